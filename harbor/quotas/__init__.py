"""How much a project may store, and how much it does."""
