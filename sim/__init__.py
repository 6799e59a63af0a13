"""How a model runs, once or a hundred thousand times. Knows nothing of provinces or policies."""

from sim.model import Model
from sim.sinks import NetCDF, Parquet, Sink

__all__ = ["Model", "NetCDF", "Parquet", "Sink"]
