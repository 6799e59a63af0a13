"""What is asked, and what the answer looks like.

The names below are the whole of what a program needs; each is loaded when it is first used.

>>> import experiments
>>> sorted(experiments.__all__)
['Ensemble', 'Run', 'Study', 'carry_out', 'load_study', 'open_ensemble']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.ensemble.core import Ensemble
    from experiments.ensemble.installed import carry_out, open_ensemble
    from experiments.installation import load_study
    from experiments.runs.store import Run
    from experiments.study.schema import Study

__all__ = ["Ensemble", "Run", "Study", "carry_out", "load_study", "open_ensemble"]

INTERRUPTED = "interrupted; what was finished is kept, and `tanlu runs resume` goes on where a run stopped"

_HOMES = {
    "Ensemble": "ensemble.core",
    "Run": "runs.store",
    "Study": "study.schema",
    "carry_out": "ensemble.installed",
    "load_study": "installation",
    "open_ensemble": "ensemble.installed",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
