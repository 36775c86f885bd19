"""What may be asked, and by whom: what helm reads, and the API of charts."""
