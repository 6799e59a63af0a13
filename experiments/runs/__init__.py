"""Runs on disk, and the records of how they were made."""
