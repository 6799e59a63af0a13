"""Members under a scenario, simulated and stored: design, scenario, batches, worker processes."""
