"""Which frames of a video make a clip, and the clips themselves."""
