"""What is shown: the pages of repositories and artifacts."""
