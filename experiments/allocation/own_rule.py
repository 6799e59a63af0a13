"""A user's own rule: one Python file, named by its path in place of a rule.

    import numpy as np

    from experiments.allocation import Number, Proposal, rule

    @rule("by-income", title="By income", origin="ours", options=[Number("slope", 0.5, 0, 2)])
    def by_income(indicators, options):
        income = indicators.gdp_per_capita
        index = (income / np.nanmean(income)) ** options["slope"]
        return Proposal(lambda m: m * index)

The file is run as Python is: only name files that you trust.
"""

import hashlib
import linecache
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_loader
from itertools import pairwise
from pathlib import Path
from types import CodeType

import numpy as np

from experiments.allocation import options as option_table
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import OWN, Options, Proposal, Rule, load, registered_by
from models.reading.faults import InputError
from models.reading.text import read_text

_LOADED: dict[tuple[Path, str], Rule] = {}


def rule_of_file(path: Path) -> Rule:
    """The one rule that a file registers; a file that has not changed is run once.

    Raises InputError when the file cannot be read or run, registers none or several, or takes the name of a shipped
    rule.
    """
    path = path.expanduser()
    content = read_text(path, "a rule")
    key = (path.resolve(), hashlib.sha256(content.encode()).hexdigest())
    if key not in _LOADED:
        _LOADED[key] = _run(path, content, key[1])
    option_table.add(_LOADED[key].name, _LOADED[key].options)
    return _LOADED[key]


def _run(path: Path, content: str, digest: str) -> Rule:
    taken = load()
    name = OWN + digest[:16]
    spec = spec_from_loader(name, loader=None, origin=str(path))
    assert spec is not None  # it is None only where a loader refuses
    module = module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[name] = module
    linecache.cache[str(path)] = (len(content), None, content.splitlines(keepends=True), str(path))
    try:
        exec(_compiled(path, content), module.__dict__)
    except InputError:
        raise
    except Exception as error:
        raise InputError(_where(path, error)) from error
    finally:
        found = registered_by(name)
    if len(found) != 1:
        names = ", ".join(entry.name for entry in found) or "none"
        raise InputError(f"{path}: got {len(found)} rules ({names}); allowed: one function with @rule(…) in a file")
    entry = found[0]
    if entry.name in taken:
        raise InputError(f"{path}: got a rule called {entry.name!r}, the name of a shipped rule; give it another name")
    return replace(entry, propose=_guarded(path, entry))


def _compiled(path: Path, content: str) -> CodeType:
    try:
        return compile(content, str(path), "exec")
    except SyntaxError as error:
        raise InputError(f"{path}, line {error.lineno}: {error.msg}; the file must be Python") from None


def _guarded(path: Path, entry: Rule) -> Callable[[Indicators, Options], Proposal]:
    """The rule's function with its mistakes as messages about the file."""

    def propose(indicators: Indicators, options: Options) -> Proposal:
        try:
            proposal = entry.propose(indicators, options)
        except InputError:
            raise
        except Exception as error:
            raise InputError(_where(path, error)) from error
        if not isinstance(proposal, Proposal):
            raise InputError(f"{path}: got {type(proposal).__name__} from rule {entry.name}; allowed: a Proposal")
        count = len(indicators.provinces)

        def cut(scalar: float) -> Array:
            try:
                cuts = np.asarray(proposal.cut(scalar), dtype=np.float64)
            except Exception as error:
                raise InputError(_where(path, error)) from error
            if cuts.shape != (count,):
                raise InputError(
                    f"{path}: got cuts of shape {cuts.shape} from rule {entry.name}; allowed: ({count},), by province"
                )
            return cuts

        trial = [cut(scalar) for scalar in (-0.5, 0.0, 0.1, 0.5)]
        if not np.isfinite(trial[2][indicators.measured]).any():
            raise InputError(
                f"{path}: rule {entry.name} gives no province a cut (all are nan); a figure that is not measured "
                "is nan, such as energy and CO2 of Tibet: take means and sums by numpy.nanmean and numpy.nansum"
            )
        falling = any((np.diff(np.stack([a, b]), axis=0) < -1e-12).any() for a, b in pairwise(trial))
        if falling:
            raise InputError(
                f"{path}: the cuts of rule {entry.name} fall where the scalar rises; allowed: rising or equal"
            )
        return replace(proposal, cut=cut)

    return propose


def _where(path: Path, error: Exception) -> str:
    """The error and its line in the file."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = f", line {lines[-1]}" if lines else ""
    return f"{path}{line}: {type(error).__name__}: {error}"
