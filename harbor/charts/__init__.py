"""Helm charts as a classic repository: an index and archives, of the artifacts that helm pushes."""
