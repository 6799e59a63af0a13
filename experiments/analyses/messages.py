"""What a table says to its reader: the key of a text and the values in it, which `words` puts into a language."""

import json
from typing import Any


def part(key: str, **values: object) -> dict[str, object]:
    """A text inside another one. key: of `words/terms.csv`, whose placeholders are the names of the values."""
    return {"text": key, **values}


def message(key: str, **values: object) -> str:
    """A text as a cell of a table; `words.terms.Terms.message` reads it.

    Args:
        key: of `words/terms.csv`, whose placeholders are the names of the values.
        **values: numbers, names, a `part`, a list of parts, or {"en": …, "zh": …} for words of a user or a data table.

    >>> message("trust: interval", half=1.5)
    '{"text": "trust: interval", "half": 1.5}'
    """
    return json.dumps(part(key, **values), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    """A NumPy scalar as a number."""
    return value.item()
