"""Render what a live view knows as lines of text, for a terminal and for a log. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.cli.item_table import age_text, cut, table_lines
from ops_checks.cli.lines import kpi_lines, number, status_lines, workers_lines
from ops_checks.live.model import DRIFT, KPI, QUEUE, changes, verdict_changes
from ops_checks.model import NOTHING, STATUSES
from ops_checks.presentation.widths import display_width
from ops_checks.sanitize import visible
from ops_checks.timestamps import queue_time, start_epoch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ops_checks.live.model import Change, DriftSeen, Failure, Filter, KpiSeen, QueueSeen, State
    from ops_checks.report.model import RuleResult
    from ops_checks.stores.details import Details
    from ops_checks.timestamps import Zone

#: How a line is meant: nothing to see, all is well, something is wrong, of less weight.
PLAIN, GOOD, BAD, DIM = "plain", "good", "bad", "dim"
KEYS = ("/ text", "s status", "Enter open", "c cancel", "r retry", "q quit")
#: So many workers and failures are named, and changes of one reading told.
_WORKERS, _FAILURES, _CHANGES = 5, 3, 20
_CLOCK = slice(11, None)


class Line(NamedTuple):
    """A line of a view, safe for a terminal, and how it is meant."""

    text: str
    tone: str = PLAIN


class Moment(NamedTuple):
    """When and where a view is drawn: epoch seconds, the queue's zone, the terminal's columns (None: any number)."""

    now_s: float
    zone: Zone
    columns: int | None = None

    def age(self, start: str) -> str:
        """Return how long ago a queue time was, `-` if nobody can tell."""
        started_s = start_epoch(start, self.zone)
        return age_text(None if started_s is None else self.now_s - started_s)


def head_lines(state: State, moment: Moment) -> list[Line]:
    """Return the lines above the list: everything but the items."""
    lines = [
        *_unless_unknown(QUEUE, state, _queue_lines(state.queue, moment)),
        *_unless_unknown(DRIFT, state, [Line(drift_text(state.drift), _drift_tone(state.drift))]),
        *_unless_unknown(KPI, state, _kpi_head(state.kpi)),
        *_failure_lines(state.failures, moment),
    ]
    return [Line(_fitting(visible(line.text), moment.columns), line.tone) for line in lines]


def _unless_unknown(part: str, state: State, lines: Iterable[Line]) -> Iterator[Line]:
    """Yield why a part is not known now, or its lines. Of the queue both: how it was last is what there is to go by."""
    error = state.errors.get(part)
    if error is not None:
        yield Line(f"{'error' if part == QUEUE else part}: {error.message}", BAD)
    if error is None or (part == QUEUE and state.queue is not None):
        yield from lines


def item_table(seen: QueueSeen | None, moment: Moment) -> tuple[str, list[str]]:
    """Return the head of the list and a line for each of its items."""
    if seen is None or not seen.rows:
        return "", []
    head, *lines = table_lines(seen.rows, now_s=moment.now_s, zone=moment.zone, columns=moment.columns)
    return head, lines


def list_title(seen: QueueSeen | None, wanted: Filter) -> str:
    """Return what is listed, and how much of it."""
    if seen is None:
        return "reading"
    what = f"{wanted.status} items" if wanted.status else "items"
    text = f" with {visible(wanted.text)}" if wanted.text else ""
    shown = f"{len(seen.rows)} of {seen.selected}" if len(seen.rows) < seen.selected else str(seen.selected)
    return f"{shown} {what}{text}"


def packed(words: Iterable[str], columns: int | None) -> list[str]:
    """Return words on as few lines as take at most `columns` each; a longer word is cut."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]}  {word}" if lines else word
        if lines and (columns is None or display_width(longer) <= columns):
            lines[-1] = longer
        else:
            lines.append(word if columns is None else cut(word, columns))
    return lines


def _queue_lines(seen: QueueSeen | None, moment: Moment) -> Iterator[Line]:
    if seen is None:
        yield Line("queue: reading", DIM)
        return
    for line in packed((f"{status} {seen.summary.counts[status]}" for status in STATUSES), moment.columns):
        yield Line(line)
    # Those without an owner come last, as one.
    groups = seen.workers[:-1] if seen.workers and seen.workers[-1].owner == NOTHING else seen.workers
    named = ", ".join(
        f"{each.owner} {len(each.items)} (oldest {moment.age(each.oldest_start)})" for each in groups[:_WORKERS]
    )
    more = f" and {len(groups) - _WORKERS} more" if len(groups) > _WORKERS else ""
    yield Line(f"workers {len(groups)}{': ' if named else ''}{named}{more}")
    yield Line(_oldest_text(seen, moment))
    yield from (Line(f"warning: {remark}", BAD) for remark in seen.remarks)


def _oldest_text(seen: QueueSeen, moment: Moment) -> str:
    item = seen.oldest
    if item is None:
        return "oldest in progress: none"
    age = moment.age(item.started_at_kst)
    return (
        f"oldest in progress: {item.id} {item.priority} {item.owner_session or NOTHING} {age}: {item.task or NOTHING}"
    )


def drift_text(seen: DriftSeen | None) -> str:
    """Return whether both queues agree."""
    if seen is None:
        return "drift: reading"
    if seen.why_not:
        return f"drift: not compared, {seen.why_not}"
    if not any(seen.mismatches.values()):
        return f"drift: no, {seen.compared} items compared"
    found = " ".join(f"{metric}={count}" for metric, count in seen.mismatches.items())
    return f"drift: yes {found}" if seen.settled else f"drift: not settled, being written: {found}"


def _drift_tone(seen: DriftSeen | None) -> str:
    differs = None if seen is None else seen.differs
    return DIM if differs is None else BAD if differs else GOOD


def _kpi_head(seen: KpiSeen | None) -> Iterator[Line]:
    if seen is None:
        yield Line("kpi: reading", DIM)
        return
    bad = [result for result in seen.results if result.verdict != "pass"]
    held = [_held(result) for result in seen.results if result.verdict == "pass"]
    yield Line(f"kpi: {', '.join(held) or 'no limit holds'}", PLAIN if bad else GOOD)
    for result in bad:
        yield Line(f"kpi: {verdict_text(seen, result)}", DIM if result.verdict == "insufficient" else BAD)


def verdict_text(seen: KpiSeen, result: RuleResult) -> str:
    """Return a limit that holds, or the line by which `kpi` tells that it does not; an error by its message."""
    if result.verdict == "pass":
        return f"ok {_held(result)}"
    lines = list(kpi_lines(seen.values, [result]))[1:]
    return lines[0] if lines and result.verdict != "error" else f"{result.id}: {result.message}"


def _held(result: RuleResult) -> str:
    is_rate = result.id.endswith("-rate") and result.value is not None
    value = f"{result.value:.4f}" if is_rate else number(None if result.value is None else round(result.value, 2))
    return f"{result.id.replace('-', '_')} {value} ({result.operator} {number(result.limit)})"


def _failure_lines(failures: Sequence[Failure], moment: Moment) -> Iterator[Line]:
    arrived = sum(failure.at_s is not None for failure in failures)
    yield Line(f"failures arrived: {arrived}", BAD if arrived else PLAIN)
    for failure in failures[:_FAILURES]:
        item, tone = failure.item, DIM if failure.at_s is None else BAD
        at = "before" if failure.at_s is None else queue_time(failure.at_s, moment.zone)[_CLOCK]
        who = f"{item.id} {item.priority} {item.owner_session or NOTHING}"
        yield Line(f"  {at} {who}: {failure.error or 'no last error'}", tone)


def _fitting(text: str, columns: int | None) -> str:
    return text if columns is None else cut(text, columns)


class Told(NamedTuple):
    """A line for a log; `remark`: it is one for stderr."""

    text: str
    remark: bool = False


def first_lines(part: str, state: State) -> Iterator[Told]:
    """Yield how a part stands when it is first known."""
    if part == QUEUE and state.queue:
        yield Told(next(iter(status_lines(state.queue.summary))))
        yield Told(next(iter(workers_lines(state.queue.workers, len(state.queue.summary.in_progress)))))
        item = state.queue.oldest
        if item is not None:
            started = f"owner={item.owner_session} started={item.started_at_kst}"
            yield Told(f"oldest_in_progress {item.id} ({item.priority}) {started}")
        yield from (Told(f"warning: {remark}", remark=True) for remark in state.queue.remarks)
    elif part == DRIFT:
        yield Told(drift_text(state.drift))
    elif part == KPI and state.kpi:
        yield from map(Told, kpi_lines(state.kpi.values, state.kpi.results))
        yield from (Told(f"warning: {remark}", remark=True) for remark in state.kpi.remarks)


def change_lines(part: str, before: State, after: State, moment: Moment) -> Iterator[Told]:
    """Yield a line for each change of a part that was known before."""
    at = queue_time(moment.now_s, moment.zone)
    if part == QUEUE and before.queue and after.queue:
        yield from (Told(f"{at} {line}") for line in _item_changes(before.queue, after.queue, after.failures))
        if before.queue.summary.counts != after.queue.summary.counts:
            yield Told(f"{at} {next(iter(status_lines(after.queue.summary)))}")
    elif part == DRIFT:
        yield Told(f"{at} {drift_text(after.drift)}")
    elif part == KPI and after.kpi:
        for result in verdict_changes(before.kpi, after.kpi):
            yield Told(f"{at} kpi {verdict_text(after.kpi, result)}")


def _item_changes(before: QueueSeen, after: QueueSeen, failures: Sequence[Failure]) -> Iterator[str]:
    found = changes(before, after)
    errors = {failure.item.id: failure.error for failure in reversed(failures) if failure.at_s is not None}
    for change in found[:_CHANGES]:
        error = errors.get(change.item_id, "") if change.fails else ""
        yield f"{change.item_id} {_change_text(change)}{': ' if error else ''}{error}"
    if len(found) > _CHANGES:
        yield f"and {len(found) - _CHANGES} more items changed"


def _change_text(change: Change) -> str:
    before, after = change.before, change.after
    if after is None:
        return "is gone"
    owner = "" if after.owner == NOTHING else f" owner={after.owner}"
    if before is None:
        return f"added {after.status}{owner}"
    if before.status != after.status:
        return f"{before.status} -> {after.status}{owner}"
    if before.owner != after.owner:
        return f"owner {before.owner} -> {after.owner}"
    return "changed"


def about(row: Details) -> list[tuple[str, str]]:
    """Return what an operator must know of an item before changing it."""
    item = row.item
    named = (("id", item.id), ("status", item.status), ("owner", item.owner_session or "-"), ("task", item.task))
    return [(label, visible(value)) for label, value in named]
