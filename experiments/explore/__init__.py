"""The explorer: a local page on which a planner moves levers and sees chance, margin and paths change live."""

from pathlib import Path

from experiments.explore.live import MEMBERS, Live
from experiments.explore.server import serve

__all__ = ["Live", "open_live", "serve"]

#: Where the levers start: the plan as carried out, else as designed, else the full mix.
STARTS = ("delivered", "plan", "full")


def open_live(run: str | None = None, runs: Path = Path("runs"), members: int = MEMBERS, threads: int = 0) -> Live:
    """The model ready to be moved, with the study of a run or the shipped one, at `members` members.

    Raises InputError when there is no such run.
    """
    from experiments import inputs, study
    from experiments.store import Run

    chosen = Run.open(run, runs).study if run else study.load()
    labels = [choice.label for choice in chosen.mixes]
    start = next((name for name in STARTS if name in labels), labels[-1])
    return Live(inputs.system(threads), inputs.Province(threads), chosen.model_copy(update={"members": members}), start)
