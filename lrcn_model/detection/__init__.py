"""How right the classes of a video's frames are: detection, over whole videos. NumPy alone."""
