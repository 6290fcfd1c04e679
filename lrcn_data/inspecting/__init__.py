"""Looking into a data set: its statistics, its soundness, a picture of it, its index."""
