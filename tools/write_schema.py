"""Write docs/study.schema.json, the JSON Schema of study files for editors: `python tools/write_schema.py`."""

from pathlib import Path

from experiments.study.schema import schema

if __name__ == "__main__":
    Path("docs/study.schema.json").write_text(schema(), encoding="utf-8")
