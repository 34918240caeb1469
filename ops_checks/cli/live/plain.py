"""The live view as plain lines: how everything stands, and then a line for each change."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from ops_checks.cli.live.lines import Moment, Told, change_lines, first_lines
from ops_checks.cli.output import has_reader, write_on, write_remarks
from ops_checks.errors import ChangingError, LockedError
from ops_checks.exit_codes import OK
from ops_checks.gate.watching import POLL_S
from ops_checks.live.feed import Feed, News
from ops_checks.live.model import DRIFT, PARTS, QUEUE, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops_checks.cli.command import Invocation
    from ops_checks.exit_codes import ExitCode
    from ops_checks.live.model import DriftSeen
    from ops_checks.timestamps import Zone


class PlainLog:
    """Makes lines of News. A part that is first known is told in the order of PARTS, whichever is read first."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._state = State()
        self._told = State()
        self._warned = set[str]()
        self._waiting = list(PARTS)

    def take(self, news: News, now_s: float) -> list[Told]:
        """Return the lines of what is new, at a time in epoch seconds."""
        before = self._state
        self._state = before.after(news.part, news.seen, news.error, now_s)
        lines = list(self._errors(before, news))
        if news.part not in self._waiting:
            lines += self._changes(news.part, now_s)
        while self._waiting and self._is_known(self._waiting[0]):
            lines += self._first(self._waiting.pop(0))
        return lines

    def _is_known(self, part: str) -> bool:
        """Return whether a part is read, or need not be waited for; without the queue there is nothing to tell."""
        return getattr(self._state, part) is not None or (part != QUEUE and part in self._state.errors)

    def _errors(self, before: State, news: News) -> Iterator[Told]:
        """Yield what keeps a part from being read, or that it can be read again: once, however many parts it keeps."""
        old, error = before.errors.get(news.part), news.error
        if news.part == QUEUE and news.seen is None and not isinstance(error, LockedError | ChangingError | None):
            return  # it ends with this error, if it stays
        if error is not None and error.message not in self._warned:
            self._warned.add(error.message)
            yield Told(f"warning: {error.message}", remark=True)
        stand = {each.message for each in self._state.errors.values()}
        if old is not None and old.message in self._warned and (error is None or old.message not in stand):
            self._warned.discard(old.message)
            if error is None:
                yield Told(f"note: {news.part}: could be read again", remark=True)

    def _changes(self, part: str, now_s: float) -> Iterable[Told]:
        """Return the changes since the part was told; drift that is not settled yet is none."""
        if part in self._state.errors:
            return ()
        if getattr(self._told, part) is None:
            return self._first(part)
        if part == DRIFT and not _drift_is_new(self._told.drift, self._state.drift):
            return ()
        lines = list(change_lines(part, self._told, self._state, Moment(now_s, self._zone)))
        self._keep_told(part)
        return lines

    def _first(self, part: str) -> list[Told]:
        """Return how a part stands, if it is known."""
        if getattr(self._state, part) is None:
            return []
        self._keep_told(part)
        return list(first_lines(part, self._state))

    def _keep_told(self, part: str) -> None:
        self._told = self._told._replace(**{part: getattr(self._state, part)})


def _drift_is_new(told: DriftSeen | None, drift: DriftSeen | None) -> bool:
    """Return whether drift is another one than was told; what is not settled yet, or how many items agree, is none."""
    if told is None or drift is None:
        return True
    same = (told.mismatches, told.why_not, told.settled) == (drift.mismatches, drift.why_not, drift.settled)
    return drift.settled and not same


def follow(invocation: Invocation) -> ExitCode:
    """Print lines until nobody reads them any more, and return the exit code. Raises what ended the watching."""
    arrived: SimpleQueue[News] = SimpleQueue()
    log = PlainLog(invocation.context.zone)
    write_remarks(invocation.remarks)
    invocation.remarks.clear()
    feed = Feed(invocation.context, invocation.clock, arrived.put)
    feed.start()
    try:
        while has_reader():
            try:
                news = arrived.get(timeout=POLL_S)
            except Empty:
                continue
            if news.ended is not None:
                raise news.ended
            code = _print(log.take(news, invocation.clock()))
            if code is not None:
                return code
    finally:
        feed.stop()
    return OK


def _print(lines: Iterable[Told]) -> ExitCode | None:
    for line in lines:
        if line.remark:
            write_remarks([line.text])
        elif (code := write_on([line.text])) is not None:
            return code
    return None
