"""Layers and the files in them: read when somebody wants to see them, and remembered."""
