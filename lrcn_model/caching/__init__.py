"""What is computed of clips once, instead of in every epoch: features, or decoded frames."""
