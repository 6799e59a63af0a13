"""Build the explorer's kernels of the shipped studies: `python tools/build_wasm.py` (needs `pip install '.[wasm]'`).

Run it after any change of an equation of models/province.mdl; a test compares the hashes of the C texts. The same text
and the same version of ziglang give the same bytes.
"""

import json
from typing import Any

from experiments.explore import kernels, open_study
from sim.compiler.codegen import wasm_build

STUDIES = ("twelfth-plan", "fifteenth-plan")
"""One study of each kind: without and with a nowcast."""


def main() -> None:
    """Write the kernels and their record."""
    kernels.FOLDER.mkdir(exist_ok=True)
    record: dict[str, dict[str, Any]] = {}
    for study in STUDIES:
        for name, export in kernels.exports(open_study(study, members=20)).items():
            content, file = export.build(), kernels.file_name(name, export)
            (kernels.FOLDER / file).write_bytes(content)
            record[export.key] = kernels.record_of(content, file, f"{wasm_build.PACKAGE} {wasm_build.version()}")
            print(f"{study}, {name}: {len(content):,} bytes, C text {export.key[:12]}")
    for path in kernels.FOLDER.glob("*.wasm"):
        if path.name not in {entry["file"] for entry in record.values()}:
            path.unlink()
    kernels.RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
