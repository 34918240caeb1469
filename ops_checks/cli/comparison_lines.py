"""How the KPIs have changed, as lines of text: one for each metric, below what is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.presentation.widths import pad
from ops_checks.rules.kpi.comparison import NOT_SHOWN, UNTOLD
from ops_checks.rules.rule import value_text
from ops_checks.sanitize import visible
from ops_checks.statistics.changes import HIGHER, LOWER
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.gate.comparing import KpisCompared
    from ops_checks.policy.window import Window
    from ops_checks.rules.kpi.comparison import MetricChange
    from ops_checks.timestamps import Zone

_HEADS = ("METRIC", "BEFORE", "SAMPLES", "NOW", "SAMPLES", "CHANGE", "INTERVAL", "VERDICT")
_GAP = "  "
_NONE = "-"
#: The words for each verdict.
WORDS = {HIGHER: "higher", LOWER: "lower", NOT_SHOWN: "no difference shown", UNTOLD: "cannot be told"}


def comparison_lines(found: KpisCompared, against: str, zone: Zone) -> Iterator[str]:
    """Yield what is compared, a table of the metrics that either side has, and once what the verdicts mean."""
    yield f"compare {visible(against)}"
    yield f"before: {_before(found, zone)}"
    yield f"now: {_text(found.window, zone)}"
    shown = [each for each in found.comparison.changes if (each.now, each.before) != (None, None)]
    rows = [_HEADS, *(_cells(each) for each in shown)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield _GAP.join(map(pad, row, widths)).rstrip()
    yield _meaning(found)


def _before(found: KpisCompared, zone: Zone) -> str:
    if found.report is None or found.made_ms is None:
        return _text(found.before, zone)
    made = queue_time(found.made_ms / 1000, zone)
    return f"{visible(found.report)}, made at {made}; {_text(found.before, zone)}"


def _text(window: Window | None, zone: Zone) -> str:
    if window is None or window.since_s is None:
        return "no window"
    return window.text(zone)


def _meaning(found: KpisCompared) -> str:
    """Say once that several metrics were judged, and how sure all verdicts together are."""
    judged, confidence = found.comparison.judged, f"{found.comparison.confidence:.15g}"
    if not judged:
        return "no metric could be judged: one side has no samples"
    return (
        f"{judged} metrics were judged at once: all that is higher or lower is so with a confidence of {confidence} "
        "together (Holm), and each interval is as sure as that takes; no difference shown does not mean equal"
    )


def _cells(each: MetricChange) -> tuple[str, ...]:
    before, now = value_text(each.before, each.unit), value_text(each.now, each.unit)
    samples, change = (
        _NONE if each.samples_before is None else str(each.samples_before),
        _signed(each.change, each.unit),
    )
    return each.name, before, samples, now, str(each.samples), change, _interval(each), _verdict(each)


def _interval(each: MetricChange) -> str:
    if (each.low, each.high) == (None, None):
        return _NONE
    return f"{_signed(each.low, each.unit)} to {_signed(each.high, each.unit)}"


def _signed(value: float | None, unit: str) -> str:
    text = value_text(value, unit)
    return f"+{text}" if value and not text.startswith(_NONE) else text


def _verdict(each: MetricChange) -> str:
    """Return a verdict in words, with what it takes for another one."""
    if each.verdict is None:
        return f"not judged: {each.reason}"
    return f"{WORDS[each.verdict]}{_needed(each)}"


def _needed(each: MetricChange) -> str:
    if each.reason:
        return f": {each.reason}"
    now, before = each.needed, each.needed_before
    if each.verdict == NOT_SHOWN:
        return f": about {now} more samples like these would show this change" if now else ""
    missing = [f"{number} more samples needed{when}" for number, when in ((now, ""), (before, " before")) if number]
    return f": {', '.join(missing)}" if missing else ""
