"""The ground floor: it knows no feature by name."""
