"""The allocation rules, one file per rule."""
