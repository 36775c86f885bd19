"""What may be asked, and by whom: quotas, and to count again."""
