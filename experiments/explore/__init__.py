"""The explorer: a local page on which a planner moves levers and sees chance, margin and paths change live."""

from pathlib import Path

from experiments.explore.live import MEMBERS, Live
from experiments.explore.server import serve

__all__ = ["Live", "open_live", "serve"]

#: Where the levers start: the plan as carried out, whether the study asks for it or not.
START = "delivered"


def open_live(run: str | None = None, runs: Path = Path("runs"), members: int = MEMBERS, threads: int = 0) -> Live:
    """The model ready to be moved, with the study of a run or the shipped one, at `members` members.

    Raises InputError when there is no such run.
    """
    from experiments import installation
    from experiments.ensemble import installed
    from experiments.runs.store import Run
    from experiments.study import schema

    chosen = Run.open(run, runs).study if run else installation.load_study()
    mixes = [*(choice for choice in chosen.mixes if choice.label != START), schema.MixChoice(mix=START)]
    asked = chosen.model_copy(update={"members": members, "mixes": mixes})
    model = installation.ProvinceModel(threads, texts=installation.model_texts(asked))
    return Live(installed.installed(threads, asked), model, asked, START)
