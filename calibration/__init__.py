"""What was measured, and which parameters reproduce it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr


def design(n: int, seed: int) -> "xr.Dataset":
    """N members of the shipped posterior, as a design for the model: see `calibration.posterior.design`."""
    from calibration import baseline, inputs, posterior

    shipped = posterior.load()
    measured = inputs.params(baseline.load(), int(shipped.attrs["last year fitted"]))
    return posterior.design(n, seed, inputs=measured, posterior=shipped)
