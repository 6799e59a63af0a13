"""Which studies there are. Imports nothing heavy, so that a misspelt name is answered at once."""

from contextlib import suppress
from pathlib import Path

from models.reading.faults import InputError, shortened
from models.reading.names import match, refusal

STUDIES = Path(__file__).parent / "studies"
DEFAULT = "twelfth-plan"


def names() -> list[str]:
    """The shipped studies."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def find(name_or_path: str | Path) -> Path:
    """The file of a study, by the name of a shipped one or by path.

    Raises:
        InputError: there is neither; it says which names are near.
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
