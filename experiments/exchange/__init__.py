"""Comparison of two runs, and export of a run to other formats."""
