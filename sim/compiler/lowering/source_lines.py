"""Lines of a model file, for messages."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sim.compiler.lowering.scope import clean

_START = re.compile(r'^\s*("(?:[^"\\]|\\.)*"|[^\s\[=:(~|{][^\[=:(~|{]*)', re.MULTILINE)
_XMILE = re.compile(r'<(?:aux|stock|flow|gf)\s[^>]*name="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SourceLines:
    """The first line of each definition."""

    numbers: dict[str, int]

    @classmethod
    def of(cls, text: str, vensim: bool) -> SourceLines:
        """Scan the text of a model file."""
        pattern = _START if vensim else _XMILE
        text = text.split("\\\\\\---///", 1)[0]
        numbers: dict[str, int] = {}
        line, last = 1, 0
        for match in pattern.finditer(text):
            start = match.start(1)
            line += text.count("\n", last, start)
            last = start
            numbers.setdefault(_key(match.group(1)), line)
        return cls(numbers)

    def find(self, name: str) -> int:
        """The line of a variable, 0 if it was not found."""
        return self.numbers.get(_key(name), 0)


def _key(name: str) -> str:
    return clean(re.sub(r"\s+", " ", name.replace("\\n", " ")))
