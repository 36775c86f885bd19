"""System settings that an administrator can change while the server runs."""
