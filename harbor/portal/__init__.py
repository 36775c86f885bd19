"""The shell of the web pages."""
