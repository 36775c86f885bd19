"""What is shown: signing in and up, and one's own account."""
