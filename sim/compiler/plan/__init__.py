"""From the intermediate form, the given inputs and the wanted outputs to programs."""
