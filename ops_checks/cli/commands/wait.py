"""`wait`: wait until items have a status, a status has so many items, or both queues agree."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ops_checks.cli.answer import FORMAT, Answer
from ops_checks.cli.command import ONE, POLICY, Command
from ops_checks.cli.options import UnknownWordError, completed, count, item_id, time_span
from ops_checks.cli.output import About
from ops_checks.cli.queue_summary import note_unread_queue
from ops_checks.cli.wait_json import wait_json
from ops_checks.conditions import State, Wanted
from ops_checks.errors import UsageError
from ops_checks.exit_codes import DRIFT, OK, REFUSED, TIMED_OUT
from ops_checks.gate.waiting import wait
from ops_checks.model import STATUSES
from ops_checks.sanitize import visible
from ops_checks.stores.unknown_item import ids_of, meant_items

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Sequence

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.context import Context
    from ops_checks.gate.waiting import Waited

_CONSISTENT = "consistent"
#: The exit code of each way in which a wait ends.
_CODES = {
    State.HOLDS: OK,
    State.NOT_YET: TIMED_OUT,
    State.CANNOT_COME: DRIFT,
    State.UNKNOWN: REFUSED,
}


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--id", metavar="ID", type=item_id, action="append", help="an item to wait for; repeatable")
    parser.add_argument(
        "--for",
        dest="conditions",
        metavar="WHAT",
        type=_condition,
        action="append",
        help=f"the status of every --id ({', '.join(STATUSES)}), or {_CONSISTENT}: both queues agree; repeatable",
    )
    parser.add_argument(
        "--for-status",
        dest="counts",
        metavar="STATUS=N",
        type=_status_count,
        action="append",
        help="so many items in a status, such as FAILED=0; repeatable",
    )
    parser.add_argument(
        "--timeout", metavar="TIME", type=time_span, help="give up after 90s, 15m, 2h or 7d (default: never)"
    )
    FORMAT.add_to(parser)


def run(invocation: Invocation) -> Result:
    """Wait, and return one line on what holds now; what does not is an error on stderr."""
    args, context = invocation.args, invocation.context
    wanted = _wanted(args.id or [], args.conditions or [], args.counts or [])
    waited = wait(context, wanted, args.timeout, clock=time.monotonic, pause=time.sleep)
    invocation.warn([*context.warnings, *waited.remarks])
    if not wanted.consistent:
        note_unread_queue(invocation)
    holds = waited.outcome.state is State.HOLDS
    if not holds:
        invocation.remarks.append(About(f"error: {_failure(context, wanted, waited)}", _task(wanted, waited)))
    line = About(f"waited {waited.seconds:.0f}s {' '.join(_parts(wanted))}", _task(wanted, waited))
    lines = [line] if holds else []
    return _CODES[waited.outcome.state], Answer(lines, lambda: wait_json(waited, wanted, context))


def _wanted(ids: Sequence[str], conditions: Sequence[str], counts: Sequence[tuple[str, int]]) -> Wanted:
    """Return what the options ask for, all of it. Raises UsageError for what nobody can wait for."""
    statuses = dict.fromkeys(condition for condition in conditions if condition != _CONSISTENT)
    numbers = dict(counts)
    if ids and not statuses:
        raise UsageError("--id needs --for and a status: see `ops-checks wait --help`")
    if not (conditions or counts):
        raise UsageError("name what to wait for with --for or --for-status: see `ops-checks wait --help`")
    if statuses and not ids:
        raise UsageError("--for and a status need --id: see `ops-checks wait --help`")
    if len(statuses) > 1:
        raise UsageError(f"--for {' and --for '.join(statuses)}: no item has both, and all is waited for: give one")
    twice = next((each for each in counts if numbers[each[0]] != each[1]), None)
    if twice:
        raise UsageError(f"--for-status {twice[0]}={twice[1]} and {twice[0]}={numbers[twice[0]]}: give one of them")
    return Wanted(tuple(dict.fromkeys(ids)), next(iter(statuses), ""), numbers, _CONSISTENT in conditions)


def _parts(wanted: Wanted) -> Iterator[str]:
    """Yield a word for each part of what is waited for."""
    yield from (f"{item_id}={wanted.status}" for item_id in wanted.ids)
    yield from (f"{status}={number}" for status, number in wanted.counts.items())
    if wanted.consistent:
        yield _CONSISTENT


def _task(wanted: Wanted, waited: Waited) -> str:
    """Return what the one item that was waited for is to do, where it was seen."""
    items = waited.seen.items if waited.seen else {}
    item = items.get(wanted.ids[0]) if len(wanted.ids) == 1 else None
    return item.task if item else ""


def _failure(context: Context, wanted: Wanted, waited: Waited) -> str:
    """Return the error line of a wait in vain: where, what still stands, what to do."""
    read = context.db if context.works_on_db else context.queue
    where = ", ".join(map(visible, (context.queue, context.db) if wanted.consistent else (read,)))
    stands = "; ".join(waited.outcome.reasons)
    if waited.outcome.state is State.NOT_YET:
        return f"{where}: timed out after {waited.seconds:.0f}s: {stands}: give --timeout more, or find out why"
    if waited.outcome.state is State.UNKNOWN:
        store = context.working_store
        return f"{where}: {stands}: name an item that is there{meant_items(wanted.ids, lambda: ids_of(store))}"
    return f"{where}: {stands}"


@completed(ONE, *STATUSES, _CONSISTENT)
def _condition(word: str) -> str:
    """Return a status, or what else can be waited for."""
    if word not in (*STATUSES, _CONSISTENT):
        expected = f"expected one of {', '.join(STATUSES)}, or {_CONSISTENT}"
        raise UnknownWordError(f"found {word!a}: {expected}", word, (*STATUSES, _CONSISTENT))
    return word


@completed(ONE, *(f"{status}=" for status in STATUSES))
def _status_count(word: str) -> tuple[str, int]:
    """Return a status and a number of items from `STATUS=N`."""
    status, _, number = word.partition("=")
    if status not in STATUSES:
        expected = f"expected STATUS=N, such as FAILED=0, with one of {', '.join(STATUSES)}"
        raise UnknownWordError(f"found {word!a}: {expected}", status, STATUSES)
    return status, count(number)


COMMAND = Command(
    run,
    help="Wait until items have a status, or both queues agree; exit 1 when that cannot come any more.",
    example="ops-checks wait --id ORCH-013 --for DONE --timeout 10m",
    needs=POLICY,
    arguments=_add_arguments,
)
