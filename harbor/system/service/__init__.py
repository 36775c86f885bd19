"""What is done: look whether everything works, and tell what there is."""
