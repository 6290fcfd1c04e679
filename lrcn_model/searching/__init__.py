"""Searching: many trainings with values drawn from a space, and the best of them."""
