"""A video file: its timestamps, its packets, and the two decoders."""
