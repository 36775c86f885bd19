"""Repositories, artifacts, tags and blobs: what is in the registry."""
