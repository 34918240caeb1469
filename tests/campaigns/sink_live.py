"""The sinks of a live view: what it draws in a terminal, and the lines that it prints for a log."""

from __future__ import annotations

import io
import os
import time
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING
from unittest import mock

from ops_checks.cli.live.lines import Moment, change_lines, first_lines, head_lines, item_table, list_title
from ops_checks.cli.output import write_on
from ops_checks.live.model import QUEUE, Failure, Filter, QueueSeen, State, mark
from ops_checks.live.reading import QueueReading
from ops_checks.model import Item
from ops_checks.overview import summarise, workers
from ops_checks.settings import resolve
from tests.campaigns.sink_readers import as_shown, runner_commands, terminal_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOMENT = Moment(0.0, 540)
_PLAIN = Item(("T-0", "FAILED", "P0", "task", "done", "-", "-", "-", ""))


def live_problems(owners: Sequence[str], queues: Sequence[str], *, everywhere: bool) -> Iterator[str]:
    """Read what a live view draws and prints of queues in which each owner has an item: it must be only text.

    `everywhere`: in each place of a view; else in one of each sink, which is as much as all code points are given.
    """
    widths = (80, 20) if everywhere else ()
    for queue in queues:
        named = {"db": queue} if queue.endswith(".db") else {"queue": queue}
        rows = QueueReading(resolve(policy_path="ops-checks.yaml", **named), time.time)().rows
        found = {row.item.owner_session: row for row in rows}
        for owner in map(str.strip, owners):
            if owner not in found:
                yield f"watch {queue}: {owner!a:.99} is not watched"
                continue
            each = found[owner].item
            item = Item((each.id, "FAILED", *each[2:])) if everywhere else _PLAIN
            seen = QueueSeen(summarise([(1, item)]), [], None, {item.id: mark(item)._replace(owner=owner)})
            if everywhere:
                seen = seen._replace(workers=workers([item]), oldest=item, rows=[found[owner]], remarks=[item.task])
            state = State(seen, failures=[Failure(item, owner, None)])
            yield from (f"watch {queue}, drawn: {problem}" for problem in _drawn_wrong(state, owner, widths))
            yield from (f"watch {queue}, printed: {problem}" for problem in _printed_wrong(state, owner))


def _drawn_wrong(state: State, text: str, widths: Sequence[int]) -> Iterator[str]:
    lines = [line.text for line in head_lines(state, _MOMENT)]
    for columns in widths:
        head, rows = item_table(state.queue, _MOMENT._replace(columns=columns))
        lines += [*(line.text for line in head_lines(state, _MOMENT._replace(columns=columns))), head, *rows]
    lines.append(list_title(state.queue, Filter("", text[:99])))
    yield from _wrong("".join(f"{line}\n" for line in lines), as_shown(text))


def _printed_wrong(state: State, text: str) -> Iterator[str]:
    before = State(QueueSeen(summarise([]), [], None, {}))
    told = [*first_lines(QUEUE, state), *change_lines(QUEUE, before, state, _MOMENT)]
    out = io.StringIO()
    with mock.patch.dict(os.environ, {"GITHUB_ACTIONS": "true"}), redirect_stdout(out), redirect_stderr(out):
        assert write_on(line.text for line in told) is None
    yield from _wrong(out.getvalue(), as_shown(text.replace("##[", "## [")))
    if obeyed := runner_commands(out.getvalue()):
        yield f"the runner would obey {obeyed}"


def _wrong(shown: str, text: str) -> Iterator[str]:
    try:
        lines = terminal_lines(shown)
    except ValueError as error:
        yield str(error)
        return
    if not any(text in line for line in lines):
        yield f"{text!a:.99} is not shown"
