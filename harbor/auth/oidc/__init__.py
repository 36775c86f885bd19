"""Signing in at an OpenID provider, and what its tokens are worth here."""
