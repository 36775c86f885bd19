"""What may be asked, and by whom: repositories, artifacts, their tags and labels."""
