"""Robots: accounts for machines, of the system or of one project."""
