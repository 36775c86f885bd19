"""What is shown: what is inside of artifacts."""
