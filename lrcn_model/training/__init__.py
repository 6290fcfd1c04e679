"""Training: its options, its data, its steps, its loop, and its run's record."""
