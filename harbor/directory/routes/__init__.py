"""Who may ask, and where: groups, and what is in LDAP."""
