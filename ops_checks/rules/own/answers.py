"""Take what a rule in Python answers: findings, as far as they are some; anything else is an error of the rule."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from ops_checks.errors import InputError
from ops_checks.findings import Finding, Place
from ops_checks.sanitize import plain_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

#: So many findings are kept unless somebody asks for more.
DEFAULT_KEEP = 50
#: A rule that finds more is taken for one that never ends; a queue has at most so many items.
MOST_FINDINGS = 2_000_000
_LONGEST = 2_000  # characters of a message
_TEXTS = ("item", "field", "md", "db", "trace", "reason", "task", "owner", "priority")
#: Beyond it an integer is no longer exact as a number of JSON.
_MOST_EXACT = 2**53


class AnswerError(InputError):
    """What a rule answered is no findings."""


class Answer(NamedTuple):
    """The findings that were kept, of `total`."""

    findings: tuple[Finding, ...]
    total: int


def take(rule: str, given: object, keep: int | None) -> Answer:
    """Return the findings of what a rule answered; `keep` of them are kept (0: all; None: DEFAULT_KEEP).

    Raises AnswerError, which names the rule, for what is no iterable of findings, and for a finding that is none.
    """
    keep = DEFAULT_KEEP if keep is None else keep
    kept: list[Finding] = []
    total = 0
    for each in _findings(rule, given):
        total += 1
        finding = _checked(rule, total, each)
        if not keep or total <= keep:
            kept.append(finding)
        if total > MOST_FINDINGS:
            raise AnswerError(f"{rule}: found more than {MOST_FINDINGS:,} things: end it, or let it find fewer")
    return Answer(tuple(kept), total)


def _findings(rule: str, given: object) -> Iterator[object]:
    """Return an iterator of what a rule answered. Raises AnswerError for what is none."""
    if isinstance(given, Finding):
        raise AnswerError(
            f"{rule}: returned one Finding: expected an iterable of them: return it in a list, or yield it"
        )
    close = getattr(given, "close", None)
    if callable(close) and hasattr(given, "cr_frame"):
        close()  # or the interpreter warns that nobody awaited it
    # Some can be iterated over, and are no collection of findings, be they empty or not.
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | dict):
        expected = "expected an iterable of findings, an empty list for none"
        raise AnswerError(f"{rule}: returned {_kind(given)}: {expected}")
    return iter(given)


def _checked(rule: str, number: int, given: object) -> Finding:
    """Return a finding as it is reported. Raises AnswerError, with its number, for what cannot be reported."""
    if not isinstance(given, Finding):
        raise AnswerError(f"{rule}: its finding {number} is {_kind(given)}: make findings with context.finding")
    wrong = next(_defects(rule, given), None)
    if wrong is not None:
        raise AnswerError(f"{rule}: its finding {number}{_named(given)}: {wrong}")
    message = plain_line(_plain(given.message) or "").strip()
    texts: dict[str, Any] = {name: _plain(getattr(given, name)) for name in _TEXTS}
    return Finding(
        rule,
        message if len(message) <= _LONGEST else f"{message[: _LONGEST - 1]}…",
        value=None if given.value is None else _number(given.value),
        places=tuple(given.places),
        **texts,
    )


def _plain(text: str | None) -> str | None:
    """Return a text itself for one of a type of its own, of which nobody knows how it is written."""
    return None if text is None else str.__str__(text)


def _defects(rule: str, finding: Finding) -> Iterator[str]:
    if finding.rule not in {rule, ""} or not isinstance(finding.rule, str):
        yield f"its rule is {_shown(finding.rule)}: expected {rule}"
    if not isinstance(finding.message, str) or not finding.message.strip():
        yield f"its message is {_shown(finding.message)}: expected a text"
    for name in _TEXTS:
        text = getattr(finding, name)
        if text is not None and not isinstance(text, str):
            yield f"its {name} is {_kind(text)}: expected a text or None"
    if finding.item is not None and isinstance(finding.item, str) and not finding.item.strip():
        yield "its item is empty: expected the id of an item, or None"
    if finding.value is not None and _number(finding.value) is None:
        yield f"its value is {_shown(finding.value)}: expected a finite number or None"
    if not isinstance(finding.places, tuple | list) or not all(map(_is_place, finding.places)):
        yield "its places are no tuple of Place"
    if finding.suppressed is not None:
        yield "it is suppressed: only a waiver in the policy does that"
    if finding.since is not None:
        yield "it is known: only a known report makes it so"


def _number(value: object) -> float | None:
    """Return a finite number as a report can hold it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int) and abs(value) <= _MOST_EXACT:
        return int(value)
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def _is_place(place: object) -> bool:
    if not isinstance(place, Place) or not isinstance(place.path, str):
        return False
    numbers, texts = (place.line, place.column), (place.table, place.key)
    return all(each is None or (type(each) is int and each > 0) for each in numbers) and all(
        each is None or isinstance(each, str) for each in texts
    )


def _named(finding: Finding) -> str:
    return f" (on {visible(finding.item)[:100]})" if isinstance(finding.item, str) and finding.item.strip() else ""


def _kind(given: object) -> str:
    """Return what something is, in a few words: a value that anybody may have given is not printed."""
    return "None" if given is None else f"a value of the type {visible(type(given).__name__)[:100]}"


def _shown(given: object) -> str:
    """Return a short plain value as it is written, or what it is."""
    if type(given) in {str, int, float, bool}:
        shown = visible(str(given)[:100])
        return f"'{shown}'" if type(given) is str else shown
    return _kind(given)
