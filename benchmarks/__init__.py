"""How fast we are, beside CNCF distribution; see ``python -m benchmarks --help``."""
