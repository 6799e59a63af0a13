"""The allocation rules, one file a rule."""
