"""What figures have in common: intervals of confidence, average precision, their form in JSON."""
