"""From the intermediate form, what is given and what is wanted to programs."""
