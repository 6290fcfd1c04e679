"""The packets of a video stream: where they come from, and which of them must be decoded."""
