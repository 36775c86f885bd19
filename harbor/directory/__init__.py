"""People and groups that come from elsewhere: LDAP, HTTP auth proxy, UAA; and local groups."""
