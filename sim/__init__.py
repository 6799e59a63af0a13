"""How a model runs, once or a hundred thousand times. Knows nothing of provinces or policies."""

from sim.model import Model

__all__ = ["Model"]
