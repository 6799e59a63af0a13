"""Build the explorer's kernels for the shipped model: `python tools/build_wasm.py` (needs `pip install '.[wasm]'`).

Run it after any change of an equation of models/province.mdl; a test compares the hash of the C text. Same text, same
version of ziglang: same bytes.
"""

import json

from experiments.explore import kernels, open_explorer
from sim.compiler.codegen import wasm_build


def main() -> None:
    """Write kernels and their record."""
    made = kernels.exports(open_explorer(members=20))
    built = {name: export.build() for name, export in made.items()}
    kernels.FOLDER.mkdir(exist_ok=True)
    for name, content in built.items():
        (kernels.FOLDER / f"{name}.wasm").write_bytes(content)
        print(f"{name}: {len(content):,} bytes, C text {made[name].key[:12]}")
    record = kernels.record_of(built, made, f"{wasm_build.PACKAGE} {wasm_build.version()}")
    kernels.RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
