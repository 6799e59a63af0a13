"""What the members say: each file makes tables of a run."""
