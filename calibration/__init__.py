"""What was measured, and which parameters reproduce it."""
