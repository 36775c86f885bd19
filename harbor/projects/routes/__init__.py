"""What may be asked, and by whom: projects and what belongs to them."""
