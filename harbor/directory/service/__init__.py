"""What is done: groups, and people who come from elsewhere."""
