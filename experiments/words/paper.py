"""Pages for printing: typst with the shipped font alone, on any machine the same."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from experiments.words import fonts


@cache
def _compiler(template: Path) -> Any:
    """Typst with one template and our font alone, ready for one page after the other."""
    import typst

    fonts_ = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[fonts.HERE])
    return typst.Compiler(template, root=template.parent, font_paths=fonts_)


def pdf(template: Path, content: Mapping[str, Any]) -> bytes:
    """The bytes of a PDF.

    Args:
        template: a typst file, which reads the texts as `json(bytes(sys.inputs.content))`.
        content: plain data.
    """
    made: bytes = _compiler(template).compile(
        format="pdf", sys_inputs={"content": json.dumps(content, ensure_ascii=False)}
    )
    return made
