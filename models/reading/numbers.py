"""Numbers that a user typed."""

import math
import re

from models.reading.faults import InputError, shortened

_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read_number(text: str, low: float = -math.inf, high: float = math.inf, *, whole: bool = False) -> float:
    """Read a finite decimal number.

    Args:
        text: the text that the user typed.
        low: least allowed value.
        high: greatest allowed value.
        whole: whether the number must be whole.

    Raises:
        InputError: the text is not a plain decimal number, or the number is not finite, not whole where it must be, or
            out of range; the message gives the text and the allowed values.

    >>> read_number(" 1.5e1 ", 0, 100)
    15.0
    >>> read_number("nan", 0, 100)
    Traceback (most recent call last):
    ...
    models.reading.faults.InputError: got 'nan', allowed: a number from 0 to 100
    """
    plain = text.strip()
    value = float(plain) if _PLAIN.fullmatch(plain) else math.nan
    if math.isfinite(value) and low <= value <= high and (not whole or value == round(value)):
        return value
    raise InputError(f"got {shortened(text)}, allowed: {allowed_number(low, high, whole=whole)}{_hint(plain)}")


def read_chance(text: str) -> float:
    """Read a probability: a fraction between 0 and 1, or per cent with its sign.

    Raises:
        InputError: the text is neither of them, or not above 0 and below 1.

    >>> read_chance("80 %"), read_chance("0.8")
    (0.8, 0.8)
    """
    plain = text.strip()
    percent = plain.endswith(("%", "％"))
    number = plain[:-1].strip() if percent else plain
    value = float(number) / (100 if percent else 1) if _PLAIN.fullmatch(number) else math.nan
    if 0 < value < 1:
        return value
    raise InputError(f"got chance {shortened(text)}; allowed: above 0 and below 1, for example 0.8 or 80%")


def read_percent(given: str | float) -> float:
    """Read a number in per cent, with or without the sign; a number is returned as it is.

    Raises:
        InputError: the text is not a finite number.

    >>> read_percent("16 %"), read_percent("16"), read_percent(16.0)
    (16.0, 16.0, 16.0)
    """
    if not isinstance(given, str):
        return given
    plain = given.strip()
    number = plain[:-1].strip() if plain.endswith(("%", "％")) else plain
    if _PLAIN.fullmatch(number) and math.isfinite(float(number)):
        return float(number)
    raise InputError(f"got {shortened(given)}, allowed: a number in per cent, for example 16 or 16%{_hint(plain)}")


def fraction(value: float, least: float) -> str:
    """What to write where a number in per cent looks like a fraction (not zero, and below `least`); else "".

    >>> fraction(0.16, 1), fraction(16, 1)
    ('; it is in per cent: write 16 for 16 %', '')
    """
    return f"; it is in per cent: write {100 * value:g} for {100 * value:g} %" if 0 < abs(value) < least else ""


def allowed_number(low: float = -math.inf, high: float = math.inf, *, whole: bool = False) -> str:
    """The allowed range of a number, in words."""
    kind = "a whole number" if whole else "a number"
    if math.isinf(low) and math.isinf(high):
        return kind
    if math.isinf(high):
        return f"{kind} of {low:g} or more"
    return f"{kind} of at most {high:g}" if math.isinf(low) else f"{kind} from {low:g} to {high:g}"


def _hint(text: str) -> str:
    if re.fullmatch(r"[+-]?[\d.]+\s*[%％]", text):
        return "; leave out the per cent sign"
    if re.fullmatch(r"[+-]?[\d.]+([,，]\d+)+", text):
        return "; write a point before decimals and nothing between thousands"
    return ""
