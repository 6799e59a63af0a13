"""How a model runs, once or a hundred thousand times. Knows nothing of provinces or policies."""
