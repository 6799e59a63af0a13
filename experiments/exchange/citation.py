"""Citation of a run: version and commit of the tool, the run's hash, checksums of the data, calibration and model."""

from collections.abc import Mapping
from typing import Any

from experiments.runs import manifest
from experiments.runs.store import Run
from experiments.words.headings import heading
from models.reading.faults import InputError

NAME = "tanlu: can a Chinese province reach its energy- and carbon-intensity target?"


def facts(run: Run) -> dict[str, str]:
    """The facts that identify a run, by name.

    `data`, `calibration`, `model` and `own files` are SHA-256 over the names and checksums of the files of that kind,
    shortened; the manifest of the run has each file's own.

    Raises:
        InputError: the manifest was changed by hand, so that nothing in it identifies the run.
    """
    record = run.manifest
    if record.get("edited"):
        raise InputError(
            f"{run.folder / 'manifest.json'} was changed by hand, and is no evidence of how the run was made; restore "
            f"it from a copy, or make the run again: `tanlu runs reproduce {run.folder.name}`"
        )
    files: Mapping[str, str] = record["files"]
    kinds = {"data": "calibration/data/", "calibration": "calibration/published/", "model": "models/"}
    sums = {kind: {n: s for n, s in files.items() if n.startswith(start)} for kind, start in kinds.items()}
    sums["own files"] = dict(record.get("own_files", {}))
    return {
        "tool": f"tanlu {_version(record)}",
        "commit": f"{record['commit'] or 'not known (installed copy)'}{' with changes' if record['dirty'] else ''}",
        "run": record["run"],
        "study": record["study_hash"][:16],
        "inputs": record["inputs_hash"][:16],
        **{kind: manifest.digest(found)[:16] for kind, found in sums.items() if found},
        "created": record["created"][:10],
    }


def citation(run: Run) -> str:
    """A reference in one line."""
    known = facts(run)
    keys = ("commit", "run", "study", "inputs", "data", "calibration", "model", "own files")
    parts = "; ".join(f"{key} {known[key]}" for key in keys if key in known)
    version, year = known["tool"].removeprefix("tanlu "), known["created"][:4]
    return f"The tanlu developers ({year}). {NAME} Version {version}. {heading(run.study, 'en')}. {parts}."


def bibtex(run: Run) -> str:
    """The same as an entry for BibTeX."""
    known = facts(run)
    note = "; ".join(f"{key} {value}" for key, value in known.items() if key not in ("tool", "created"))
    fields = {
        "author": "{The tanlu developers}",
        "title": f"{{{NAME}}}",
        "year": known["created"][:4],
        "version": known["tool"].removeprefix("tanlu "),
        "note": f"{{{heading(run.study, 'en')}; {note}}}",
    }
    wrapped = {name: value if value.startswith("{") else f"{{{value}}}" for name, value in fields.items()}
    inside = ",\n".join(f"  {name} = {value}" for name, value in wrapped.items())
    return f"@software{{{run.name},\n{inside}\n}}\n"


def _version(record: Mapping[str, Any]) -> str:
    recorded = str(record["versions"]["tanlu"])
    return manifest.version() if recorded == "not installed" else recorded
