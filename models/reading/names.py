"""Finding a name among the known ones: any case, other spellings, and the nearest names when there is no match."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from models.reading.faults import InputError, shortened

LISTED = 40
"""Greatest number of known names that a message lists in full."""
ALIKE = 0.6
"""Least similarity (difflib's ratio) of a name that is suggested."""


class Spellings(dict[str, tuple[str, ...]]):
    """Known names, each with its other spellings (Chinese, abbreviations)."""


Known = Iterable[str]
"""The known names, as `Spellings` where they have other spellings."""


def choose(name: str, known: Known, what: str) -> str:
    """The known name that a user means.

    Case, width of letters and the marks between words do not matter: `inner-mongolia` means `Inner Mongolia`.

    Args:
        name: the text that the user typed.
        known: the names to choose from, as `Spellings` where they have other spellings.
        what: the kind of name, in the user's words ("province").

    Returns:
        The name as it is written in `known`.

    Raises:
        InputError: there is no such name; the message gives the nearest and the allowed ones.

    >>> choose("guangdong", ["Guangdong", "Guangxi"], "province")
    'Guangdong'
    >>> choose("广东", Spellings({"Guangdong": ("广东",)}), "province")
    'Guangdong'
    >>> choose("Guangdon", ["Guangdong"], "province")
    Traceback (most recent call last):
    ...
    models.reading.faults.InputError: unknown province 'Guangdon'; did you mean 'Guangdong'?; allowed: Guangdong
    """
    if (meant := match(name, known)) is None:
        raise InputError(refusal(name, known, what))
    return meant


def choose_all(names: Iterable[str], known: Known, what: str) -> list[str]:
    """`choose` for several names of one kind. Raises InputError with a fault for each unknown one."""
    return choose_each((name, known, what) for name in names)


def choose_each(requests: Iterable[tuple[str, Known, str]]) -> list[str]:
    """`choose` for names of several kinds, each with its known names. Raises InputError with all faults."""
    answers = [(match(name, known), name, known, what) for name, known, what in requests]
    if faults := [refusal(name, known, what) for meant, name, known, what in answers if meant is None]:
        raise InputError(faults)
    return [meant for meant, *_ in answers if meant is not None]


def match(name: str, known: Known) -> str | None:
    """The known name that a user means, or None when there is none or more than one."""
    listed = list(known)
    if name in listed:
        return name
    if not isinstance(name, str):
        return None
    meant = {own for spelling, own in _spellings(known) if _folded(spelling) == _folded(name)}
    return meant.pop() if len(meant) == 1 else None


def refusal(name: str, known: Known, what: str) -> str:
    """The message for an unknown name: the nearest names and the allowed ones."""
    listed = list(known)
    if not listed:
        return f"unknown {what} {shortened(name)}: there is none"
    allowed = ", ".join(listed) if len(listed) <= LISTED else f"one of {len(listed)} names"
    return f"unknown {what} {shortened(name)}{near(name, known)}; allowed: {allowed}"


def near(name: str, known: Known, most: int = 3) -> str:
    """The text `; did you mean 'a' or 'b'?` with the closest known names, or the empty string."""
    typed = _folded(str(name)[:200])
    cutoff = 0.5 if len(typed) < 4 else ALIKE
    spellings: dict[str, str] = {}
    for spelling, own in _spellings(known):
        folded = _folded(spelling)
        shorter, both = min(len(folded), len(typed)), len(folded) + len(typed)
        if 2 * shorter >= cutoff * both:  # by its length alone it may be similar enough: most are not
            spellings.setdefault(folded, own)
    alike = get_close_matches(typed, spellings, n=most, cutoff=cutoff)
    close = dict.fromkeys(spellings[spelling] for spelling in alike)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


def _spellings(known: Known) -> Iterable[tuple[str, str]]:
    """(spelling, known name) of every known name and its other spellings."""
    for own in known:
        yield own, own
    if isinstance(known, Spellings):
        yield from ((spelling, own) for own, others in known.items() for spelling in others)


@lru_cache(maxsize=1 << 14)
def _folded(text: str) -> str:
    """The text without case, width, spaces, hyphens, underscores and apostrophes, which do not distinguish names."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter not in " -_'’\t")
