"""Data sets made from data sets: several merged, or a subset of one."""
