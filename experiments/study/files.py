"""Studies by name. Imports nothing heavy, so that a misspelt name is reported at once."""

from contextlib import suppress
from pathlib import Path

from models.plans import plans
from models.reading.faults import InputError, shortened
from models.reading.names import match, refusal

STUDIES = Path(__file__).parent / "studies"
DEFAULT = "twelfth-plan"
"""The documents' own case: what other commands and studies start from."""
TODAY = "fifteenth-plan"
"""What `tanlu run` carries out when no study is named: the nowcast that it starts from has passed its check
(`calibration.nowcast`: error of provincial CO2 in 2019 given activity alone 6.8 %, allowed 8 %)."""
OF_PLAN = {"p12": "twelfth-plan", "p13": "thirteenth-plan", "p14": "fourteenth-plan", "p15": "fifteenth-plan"}
"""Plan → the shipped study of it."""


def names() -> list[str]:
    """The shipped studies."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def find(name_or_path: str | Path) -> Path:
    """The file of a study, by the name of a shipped one or by path.

    Raises:
        InputError: there is neither; the message gives the nearest names.
    """
    path, typed = Path(name_or_path), str(name_or_path)
    exists = folder = False
    with suppress(OSError, ValueError):  # a name too long for the system, or with a zero byte, is no file
        if path.is_file():
            return path
        exists, folder = path.exists(), path.is_dir()
    if exists:
        kind = "a folder" if folder else "a device or a pipe"
        raise InputError(f"study {shortened(typed)} is {kind}; give a YAML file or one of: {', '.join(names())}")
    if path.suffix in (".yaml", ".yml"):
        raise InputError(f"study {shortened(typed)}: there is no such file; shipped studies: {', '.join(names())}")
    if (meant := match(typed, names())) is None:
        raise InputError(f"{refusal(typed, names(), 'study')}, or the path of a YAML file")
    return STUDIES / f"{meant}.yaml"


def of_year(year: int) -> str:
    """The shipped study of the plan that a year belongs to. Raises InputError for a year of no such plan.

    >>> of_year(2026)
    'fifteenth-plan'
    """
    for key, study in OF_PLAN.items():
        if plans()[key].base_year < year <= plans()[key].last_year:
            return study
    spans = ", ".join(f"{plans()[key].base_year + 1}-{plans()[key].last_year}" for key in OF_PLAN)
    raise InputError(f"got year {year}; shipped studies of plans have {spans}; name another study with --study")
