"""What is done: pushes, rule by rule."""
