"""The nets: CNN, head and classifier, and what brings frames to their size."""
