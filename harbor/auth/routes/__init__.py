"""Who may ask, and where: tokens, sessions, and the caller's own rights and password."""
