"""The text of a model file, whatever it was saved in."""

from __future__ import annotations

import codecs
import logging
import re
from pathlib import Path

from sim.errors import ModelError

logger = logging.getLogger("sim")

_MARKER = re.compile(rb"^\s*\{\s*([A-Za-z0-9_-]+)\s*\}")
_HIGH = re.compile(rb"[\x80-\xff]+")


def read_text(path: Path, encoding: str | None = None) -> str:
    """The text of a model file.

    Args:
        path: the file.
        encoding: of the file; by default its own marker (`{UTF-8}`), its byte order mark, UTF-8, GBK where every
            group of other bytes is in pairs of GB 2312 (files of older Chinese versions of Vensim), or cp1252 where
            bytes stand alone (files of older Western ones).

    Raises:
        ModelError: bytes that are none of these, or not in the encoding that was given.
    """
    content = path.read_bytes()
    chosen = encoding or _declared(content)
    if chosen is None:
        chosen = _guessed(path, content)
    try:
        return content.decode(chosen)
    except LookupError as error:
        raise ModelError(path, f"no encoding {chosen!r}; for Chinese files try 'gbk' or 'utf-8'") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        hint = "give encoding= (for Chinese files 'gbk')" if encoding is None else "give another encoding"
        raise ModelError(path, f"line {line} holds bytes that are not {chosen}: {hint}") from error


def _declared(content: bytes) -> str | None:
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    marker = _MARKER.match(content)
    if marker is None:
        return None
    try:
        return codecs.lookup(marker[1].decode("ascii")).name
    except LookupError:  # a comment in braces
        return None


def _guessed(path: Path, content: bytes) -> str:
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    groups = _HIGH.findall(content)
    try:
        paired = all(len(group) % 2 == 0 and group.decode("gb2312") for group in groups)
    except UnicodeDecodeError:
        paired = False
    if paired:
        logger.info("%s is read as GBK (it has no marker and is not UTF-8); encoding= says so for certain", path)
        return "gbk"
    if all(len(group) % 2 == 0 for group in groups):
        return "utf-8"  # which is then refused by line: pairs of bytes are no Western text
    if max(map(len, groups)) > 1:
        logger.warning("%s is read as Western text (cp1252); give encoding='gbk' if it is Chinese", path)
    return "cp1252"
