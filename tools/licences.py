"""Writes docs/licences.md: the licence of every locked runtime dependency, from the metadata of the installed
packages.

The exit code is 1 when one of them is under the GPL. Packages under the LGPL, which allows use as a library, are
listed. Run it after `tools/lock`: `python tools/licences.py`.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK, PAGE = ROOT / "requirements.lock", ROOT / "docs" / "licences.md"


def licence(name: str) -> str:
    """The licence that a package states: its SPDX expression, else its classifiers, else its free text."""
    try:
        stated = metadata(name)
    except PackageNotFoundError:
        return "not installed here"
    if expression := stated.get("License-Expression"):
        return str(expression)
    classes = [text.split(" :: ")[-1] for text in stated.get_all("Classifier", []) if text.startswith("License ::")]
    named = [text for text in classes if text != "OSI Approved"]
    return "; ".join(named) or str(stated.get("License") or "not stated").splitlines()[0][:80]


def main() -> int:
    """Write the page and return the exit code."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    found = {name: licence(name) for name in names}
    lesser = [name for name, text in found.items() if re.search(r"LGPL|Lesser", text)]
    refused = [
        name
        for name, text in found.items()
        if re.search(r"(?<!L)GPL|Affero|General Public", text) and name not in lesser
    ]
    rows = [f"| {name} | {text.replace('|', '/')} |" for name, text in found.items()]
    head = [
        "# Licences of the dependencies", "",
        "Written by `python tools/licences.py` from the metadata of the locked packages (requirements.lock).",
        f"Under the GPL: {', '.join(refused) or 'none'}. Under the LGPL: {', '.join(lesser) or 'none'}.", "",
        "| package | licence |", "|---|---|",
    ]  # fmt: skip
    PAGE.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
