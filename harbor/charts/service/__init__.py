"""What is done: take charts in, list them, hand them out, remove them."""
