"""What is asked, and what the answer looks like."""
