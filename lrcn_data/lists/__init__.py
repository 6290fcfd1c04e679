"""Video lists: made, read and checked."""
