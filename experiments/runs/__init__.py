"""What is on disk: the runs and what made them."""
