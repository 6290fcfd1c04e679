"""What a net is worth: losses, scores, evaluations, and the weights that are kept."""
