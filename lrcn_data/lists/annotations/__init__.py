"""Annotations of other tools and data sets: one file a form; `formats` has the table of them."""
