"""What is shown: groups, and where people come from."""
