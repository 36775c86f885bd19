"""Where blob bytes live: the interface, and one module for each kind of place."""
