"""What is done: keep, find and remove blobs, artifacts and tags."""
