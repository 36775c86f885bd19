"""Immutability: rules that keep tags from moving and from being deleted."""
