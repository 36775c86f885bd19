"""Labels: words with a colour, for artifacts."""
