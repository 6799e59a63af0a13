"""The wheel contains every file of the four packages, so that it runs outside a checkout."""

import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

from experiments.runs import manifest

ROOT = Path(__file__).parents[1]
PACKAGES = ("models", "sim", "calibration", "experiments")


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    builder = pytest.importorskip("hatchling.builders.wheel")
    (wheel,) = builder.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", *PACKAGES], capture_output=True, text=True, check=True)
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        commit, changed = archive.read("experiments/commit.txt").decode().split("\n")[:2]
    assert not sorted(set(listed.stdout.split("\n")) - {""} - held)
    assert any(name.startswith("models/pictures/") for name in held)
    assert commit == manifest.commit()["commit"]
    assert changed in ("", "changed")
    assert {name.split("/")[0] for name in held if ".dist-info" not in name} == set(PACKAGES)


def test_the_version_stands_alike_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## [{version}] - " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
