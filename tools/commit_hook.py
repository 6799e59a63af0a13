"""Writes the commit from which a wheel is built into the wheel, so that an installed copy can name its code."""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommitHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds `experiments/commit.txt`, except in an editable install or outside the project's git work tree."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the file; hatchling calls this before it collects files."""
        if version == "editable":
            return
        try:
            top, commit, changed = (self._git(*words) for words in (
                ("rev-parse", "--show-toplevel"),
                ("rev-parse", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no"),
            ))  # fmt: skip
        except (OSError, subprocess.CalledProcessError):
            return
        if Path(top).resolve() != Path(self.root).resolve():
            return
        file = Path(tempfile.mkdtemp()) / "commit.txt"
        file.write_text(f"{commit}\n{'changed' if changed else ''}\n", encoding="utf-8")
        build_data["force_include"][str(file)] = "experiments/commit.txt"

    def _git(self, *words: str) -> str:
        done = subprocess.run(["git", "-C", self.root, *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()
