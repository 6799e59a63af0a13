"""Comparison of two runs: differences of study, files and software, and their effect on every verdict."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from experiments.analyses import feasibility
from experiments.runs.store import Run

KEYS = ["allocation", "mix", "province"]


def compare(a: Run, b: Run) -> dict[str, pd.DataFrame]:
    """Tables of differences, A first.

    study: path, a, b. files: file, change. software: item, a, b. scenarios: those that only one of the runs has.
    verdicts: one row per allocation, mix and province of both: reduction, margin, chance and light of each, the
    changes, `noise` (change of a chance by the sampling of members alone, 95 %, points), the largest change first.
    Both runs must be complete (InputError).
    """
    return {
        "study": _differences(_flat(a.study.model_dump()), _flat(b.study.model_dump()), "path"),
        "files": _files(a.manifest["files"], b.manifest["files"]),
        "software": _differences(_software(a), _software(b), "item"),
        "scenarios": _scenarios(a, b),
        "verdicts": verdicts(a, b),
    }


def verdicts(a: Run, b: Run) -> pd.DataFrame:
    """The verdicts of scenarios that both runs have, the largest change first: see `compare`."""
    left, right = (feasibility.summary(run.metrics("reduction", "target")) for run in (a, b))
    both = left.merge(right, on=KEYS, suffixes=("_a", "_b"), sort=False)
    half_a, half_b = ((both[f"chance_high_{x}"] - both[f"chance_low_{x}"]).to_numpy() / 2 for x in "ab")
    table = both[KEYS].copy()
    for column, factor in (("target", 1), ("reduction", 1), ("margin", 1), ("chance", 100)):
        for x in "ab":
            table[f"{column}_{x}"] = factor * both[f"{column}_{x}"]
        table[f"{column}_change"] = table[f"{column}_b"] - table[f"{column}_a"]
    table["noise"] = 100 * np.hypot(half_a, half_b)
    table["light_a"], table["light_b"] = both["light_a"], both["light_b"]
    table["light_changed"] = both["light_a"] != both["light_b"]
    order = table[["chance_change", "margin_change"]].abs().assign(light=table["light_changed"])
    ranked = order.sort_values(["chance_change", "margin_change", "light"], ascending=False, kind="stable").index
    return table.loc[ranked].reset_index(drop=True)


def printed(table: pd.DataFrame) -> pd.DataFrame:
    """The verdicts that changed, for the terminal: texts `a → b`, a single value where both are the same.

    A change of chance that is not larger than its noise stands in brackets: sampling alone may have made it.
    """
    numbers = [f"{name}_change" for name in ("target", "reduction", "margin", "chance")]
    rows = table[table["light_changed"] | table[numbers].abs().gt(0).any(axis=1)]

    def pairs(name: str, form: str) -> list[str]:
        both = [(format(a, form), format(b, form)) for a, b in zip(rows[f"{name}_a"], rows[f"{name}_b"], strict=True)]
        return [a if a == b else f"{a} → {b}" for a, b in both]

    change = [
        f"{change:+.0f}" if abs(change) > noise else f"({change:+.0f})"
        for change, noise in zip(rows["chance_change"], rows["noise"], strict=True)
    ]
    return pd.DataFrame(
        {
            **{key: rows[key] for key in KEYS},
            "target %": pairs("target", ".1f"),
            "margin": pairs("margin", "+.1f"),
            "chance %": pairs("chance", ".0f"),
            "change": change,
            "light": pairs("light", ""),
        }
    ).reset_index(drop=True)


def _flat(data: Any, path: str = "") -> dict[str, Any]:
    """Nested plain data by dotted path, without what is empty."""
    if data is None or data == {}:
        return {}
    if isinstance(data, Mapping) and data:
        return {
            k: v for key, inner in data.items() for k, v in _flat(inner, f"{path}.{key}" if path else str(key)).items()
        }
    if isinstance(data, list) and data and isinstance(data[0], Mapping):
        return {k: v for i, inner in enumerate(data) for k, v in _flat(inner, f"{path}.{i}").items()}
    return {path: data}


def _differences(a: Mapping[str, Any], b: Mapping[str, Any], key: str) -> pd.DataFrame:
    """Rows where the two differ; absent is "–"."""
    rows = [(name, str(a.get(name, "–")), str(b.get(name, "–"))) for name in dict.fromkeys([*a, *b])]
    return pd.DataFrame([row for row in rows if row[1] != row[2]], columns=[key, "a", "b"])


def _files(a: Mapping[str, str], b: Mapping[str, str]) -> pd.DataFrame:
    """Model, data and calibration files that are not the same in both."""

    def changes() -> Iterator[tuple[str, str]]:
        for name in sorted({*a, *b}):
            if a.get(name) != b.get(name):
                yield name, "changed" if name in a and name in b else "only in a" if name in a else "only in b"

    return pd.DataFrame(list(changes()), columns=["file", "change"])


def _software(run: Run) -> dict[str, str]:
    record = run.manifest
    return {"commit": str(record["commit"]), "uncommitted changes": str(record["dirty"]), **record["versions"]}


def _scenarios(a: Run, b: Run) -> pd.DataFrame:
    """Scenarios that only one of the runs has."""
    sets = [{(x.label, y.label) for x in run.study.allocations for y in run.study.mixes} for run in (a, b)]
    rows = [(*pair, "a") for pair in sorted(sets[0] - sets[1])] + [(*pair, "b") for pair in sorted(sets[1] - sets[0])]
    return pd.DataFrame(rows, columns=["allocation", "mix", "only in"])
