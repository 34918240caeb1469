"""Resolve a plain YAML scalar: null, a boolean, a number or text."""

from __future__ import annotations

import re
from math import isfinite

#: In place of a value that no policy may contain: its problem is reported, and any other one would be noise.
UNKNOWN: object = object()

# YAML 1.2.2, section 10.3.2: tag resolution of the core schema.
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_FINITE = 400  # digits: a double has 309 before its point; int() refuses 4,300


def plain_value(text: str) -> object:
    """Return the value of a scalar without quotes: None, bool, int, float or str.

    UNKNOWN for a number that is not finite. Dates are text, and so are `off` and `yes`: that is YAML 1.2.
    """
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _BASED.fullmatch(text):
        return _finite(int(text[2:], 8 if text[1] == "o" else 16))
    if _REAL.fullmatch(text):
        return _finite(int(text) if _INTEGER.fullmatch(text) and len(text) < _LONGEST_FINITE else float(text))
    return UNKNOWN if _NOT_FINITE.fullmatch(text) else text


def _finite(number: float) -> object:
    try:
        return number if isfinite(number) else UNKNOWN
    except OverflowError:  # an integer beyond every double
        return UNKNOWN
