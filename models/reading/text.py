"""A file that a user names, as text: a regular file of limited size in UTF-8, or a message that explains why it is
not.
"""

import codecs
import stat
from pathlib import Path

from models.reading.faults import InputError

LARGEST_LIST = 1_000_000
"""Bytes of a list that a person makes: targets, offers, projects. A million rows take minutes to be read by name."""
LARGEST_TABLE = 20_000_000
"""Size in bytes of the largest CSV or JSON file that is read."""


class NotUtf8Error(ValueError):
    """Bytes that are not text in UTF-8.

    Args:
        text: the fault, the allowed encoding and how to correct it.
        line: line of the fault, from 1; None for the file as a whole.
    """

    def __init__(self, text: str, line: int | None = None) -> None:
        self.text, self.line = text, line
        super().__init__(text)


def read_text(path: Path, what: str, largest: int = LARGEST_TABLE) -> str:
    """Read the text of a file.

    Args:
        path: path in the form that the user typed.
        what: the expected content in the user's words ("a study file").
        largest: size in bytes beyond which the file is refused before it is read.

    Raises:
        InputError: the file is missing, a folder, a device or a pipe, too large, not UTF-8, or contains zero bytes.
    """
    try:
        return decoded(read_content(path, what, largest))
    except NotUtf8Error as fault:
        line = f":{fault.line}" if fault.line else ""
        raise InputError(f"{path.name}{line}: {fault.text}") from None


def read_content(path: Path, what: str, largest: int = LARGEST_TABLE) -> bytes:
    """Read the bytes of a regular file of limited size. Arguments and exceptions are those of `read_text`."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise InputError(f"{path}: got a folder, allowed: {what}")
        if not stat.S_ISREG(kind):
            raise InputError(f"{path}: got a device or a pipe, allowed: {what} on disk")
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; give the path of {what}") from None
    except (OSError, ValueError) as fault:
        if isinstance(fault, InputError):
            raise
        reason = fault.strerror if isinstance(fault, OSError) else fault  # ValueError: a zero byte in the path
        raise InputError(f"{str(path)[:200]!r}: cannot be read ({reason}); give the path of {what}") from None
    if len(content) > largest:
        size = max(path.stat().st_size, len(content))
        raise InputError(f"{path.name}: got {size:,} bytes, allowed: {what} of at most {largest:,}")
    return content


def decoded(content: bytes) -> str:
    """Decode bytes in UTF-8, without a byte-order mark.

    Raises:
        NotUtf8Error: the bytes are not UTF-8; the message names the encoding that they seem to have.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise NotUtf8Error("got UTF-16 text, allowed: UTF-8 text; save the file as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        got = f"got byte 0x{content[fault.start]:02x}, allowed: UTF-8 text"
        chinese = any("\u4e00" <= letter <= "\u9fff" for letter in content.decode("gb18030", errors="ignore"))
        advice = "the file seems to be in GBK, as spreadsheets save Chinese text: save it as 'CSV UTF-8'"
        raise NotUtf8Error(f"{got}; {advice if chinese else 'save the file as UTF-8'}", line) from None
    if (place := text.find("\0")) >= 0:
        line = text.count("\n", 0, place) + 1
        raise NotUtf8Error("got a zero byte, allowed: UTF-8 text; restore the file", line)
    return text
