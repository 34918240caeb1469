"""What a YAML scalar without quotes means: nothing, a truth, a number or text."""

from __future__ import annotations

import re
from math import isfinite

#: Stands where there was something no policy may hold; whatever else is said about it would be noise.
UNKNOWN: object = object()

# YAML 1.2.2, section 10.3.2: tag resolution of the core schema.
_NULL = {"", "~", "null", "Null", "NULL"}
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_FINITE = 400  # digits: a double has 309 before its point; int() refuses 4,300


def plain_value(text: str) -> object:
    """Return what a scalar without quotes means: None, bool, int, float or str.

    UNKNOWN for a number that is not finite. Dates are text, and so are `off` and `yes`: that is YAML 1.2.
    """
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _BASED.fullmatch(text):
        return _finite(int(text[2:], 8 if text[1] == "o" else 16))
    if _REAL.fullmatch(text):
        return _finite(int(text) if _WHOLE.fullmatch(text) and len(text) < _LONGEST_FINITE else float(text))
    return UNKNOWN if _NOT_FINITE.fullmatch(text) else text


def _finite(number: float) -> object:
    try:
        return number if isfinite(number) else UNKNOWN
    except OverflowError:  # a whole number beyond every double
        return UNKNOWN
