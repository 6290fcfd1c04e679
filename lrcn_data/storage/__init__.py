"""Where files are: read from paths and URLs, written whole or not at all, locked."""
