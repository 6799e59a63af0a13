"""Measured data, and the calibration that finds the parameters which reproduce them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr


def design(n: int, seed: int) -> "xr.Dataset":
    """Draw members of the shipped posterior as a design for the model; see `calibration.posterior.design`.

    Args:
        n: number of members.
        seed: seed of the random draws.

    Returns:
        Model inputs that differ by member: variables over (member[, province[, sector]]), in the model's units.
    """
    from calibration import baseline, inputs, posterior

    shipped = posterior.load()
    measured = inputs.params(baseline.load(), int(shipped.attrs["last year fitted"]))
    return posterior.design(n, seed, inputs=measured, posterior=shipped)
