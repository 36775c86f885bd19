"""Health, version, and what a client must know before it signs in."""
