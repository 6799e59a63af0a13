"""The model file with other values of its constants, so that it runs without parameters in Vensim or PySD."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from models import PROVINCE
from models.parameters import MARK, constants, elements_of, parameters


def baked(values: Mapping[str, xr.DataArray], model: Path = PROVINCE) -> str:
    r"""Write values into the text of the model file in place of its constants.

    Args:
        values: constant → array over any of its dimensions, in the model's units; the elements of other dimensions all
            get the same value. With a dimension `time` the constant becomes a lookup of Time, which is linear between
            its points and constant beyond them. `FINAL TIME` is allowed too.
        model: the model file.

    Returns:
        The text of a model file.

    Raises:
        KeyError: a name is not a constant of the model.

    >>> text = baked({"grid loss": xr.DataArray(0.05), "FINAL TIME": xr.DataArray(2015.0)})
    >>> "grid loss=\n\t0.05" in text, "FINAL TIME = 2015" in text
    (True, True)
    """
    table = parameters()
    given = dict(values)
    text = model.read_text(encoding="utf-8").split(MARK)[0]
    if "FINAL TIME" in given:
        old = next(line for line in text.splitlines() if line.startswith("FINAL TIME"))
        text = text.replace(old, f"FINAL TIME = {_number(float(given.pop('FINAL TIME')))}")
    if unknown := sorted(set(given) - set(table.index)):
        raise KeyError(f"no constants of the model: {', '.join(unknown)}")
    parts = [
        "".join(_written(str(name), given[str(name)], [d for d in str(row["dims"]).split("|") if d], str(row["unit"])))
        if name in given
        else constants(table.loc[[name]])
        for name, row in table.iterrows()
    ]
    return f"{text}{MARK}{'*' * 56}~\n\t\tConstants, with the values of one member written in.\n\t|\n{''.join(parts)}"


def _written(name: str, values: xr.DataArray, dims: Sequence[str], unit: str) -> Iterator[str]:
    """Equations of a constant, one per element: a number, or a lookup of Time for a series."""
    elements = {dim: elements_of(dim) for dim in dims}
    whole = values
    for dim in dims:
        known = dim in values.dims
        whole = whole.sel({dim: elements[dim]}) if known else whole.expand_dims({dim: elements[dim]})
    names = [elements[dim] for dim in dims]
    if "time" in values.dims:
        numbers = whole.transpose(*dims, "time").to_numpy().astype(float)
        lines = list(_series(name, numbers, values["time"].to_numpy(), names))
    else:
        lines = list(_numbers(name, whole.transpose(*dims).to_numpy().astype(float), names))
    yield from (f"{line}\n\t~~|\n" for line in lines[:-1])
    yield f"{lines[-1]}\n\t~\t{unit}\n\t~\tThe value of one member.\n\t|\n"


def _numbers(name: str, numbers: np.ndarray, elements: Sequence[Sequence[str]]) -> Iterator[str]:
    """One equation per element, because PySD keeps only eight digits of the numbers in a list."""
    for index in np.ndindex(numbers.shape):
        yield f"{_element(name, index, elements)}=\n\t{_number(float(numbers[index]))}"


def _series(name: str, numbers: np.ndarray, times: np.ndarray, elements: Sequence[Sequence[str]]) -> Iterator[str]:
    for index in np.ndindex(numbers.shape[:-1]):
        pairs = zip(times, numbers[index], strict=True)
        points = ",".join(f"({_number(float(t))},{_number(float(value))})" for t, value in pairs)
        yield f"{_element(name, index, elements)}=\n\tWITH LOOKUP(Time, ({points}))"


def _element(name: str, index: Sequence[int], elements: Sequence[Sequence[str]]) -> str:
    label = ",".join(of[i] for of, i in zip(elements, index, strict=True))
    return f"{name}[{label}]" if label else name


def _number(value: float) -> str:
    """A number with every digit, so that reading it back gives the same number."""
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
