"""The page on which the API can be read, and tried out."""
