"""Projects, their members and their metadata."""
