"""What is done: layers are read, their files listed, searched and handed out."""
