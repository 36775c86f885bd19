"""What is shown: the pages of projects."""
