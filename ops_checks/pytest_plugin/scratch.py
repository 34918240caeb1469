"""The configured stores for users' own tests, and scratch stores for an operation under test.

from ops_checks import Item, Stamp, cancel

BUSY = Item(id="ORCH-102", status="IN_PROGRESS", priority="P1", task="Rotate keys", success_criteria="rotated")


def test_cancel_leaves_the_queues_consistent(assert_consistent_after):
    stamp = Stamp(actor="test", now_s=1_767_225_600, tz_minutes=540)
    copies = assert_consistent_after(lambda queue: queue.change(BUSY.id, cancel(stamp)), items=[BUSY])
    assert copies.db.get(BUSY.id).status == "BLOCKED"
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Protocol

import pytest
from msgspec import Struct

from ops_checks.errors import ChangingError, InputError, OpsError
from ops_checks.gate.stable_reading import compare_by
from ops_checks.model import FIELDS
from ops_checks.presentation.wording import finding_line, plural
from ops_checks.pytest_plugin.messages import safe
from ops_checks.pytest_plugin.options import read_inputs
from ops_checks.stores.registry import MARKDOWN, SQLITE, is_url, store_kind
from ops_checks.stores.tables import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ops_checks.model import Item
    from ops_checks.policy.model import ConsistencyPolicy
    from ops_checks.pytest_plugin.options import Inputs
    from ops_checks.stores.protocol import Store
    from ops_checks.stores.registry import StoreKind
    from ops_checks.stores.transaction_protocol import NewQueue

    #: The line of each difference by what it is: rule, item, field, both values, and the row where one side lacks it.
    Differences = dict[tuple[str | Item | None, ...], str]

#: Pause before each attempt, in seconds: other programs may be writing to the stores.
_PAUSES_S = (0.0, 0.05, 0.2)
_LISTED = 10
#: When the rows of given items were written, in the queue's zone.
_WRITTEN = "2026-01-01 00:00"


class QueueStores(Struct, frozen=True):
    """Both stores, and the policy of their comparison."""

    md: Store
    db: Store
    policy: ConsistencyPolicy


class Checked(Protocol):
    """The type of the fixture `assert_consistent_after`."""

    def __call__(self, operation: Callable[[Store], object], items: Iterable[Item] | None = None) -> QueueStores:
        """Run the operation on a scratch copy of each store; fail the test if it makes the copies differ.

        They hold `items`, or else what the configured stores hold. What differed before and still does in the same
        way is none of the operation's doing, and not counted.
        """
        ...


def session_inputs(config: pytest.Config) -> Inputs:
    """Return what a session's options, environment and policy say. Fails the test for a bad one."""
    from ops_checks.pytest_plugin.session import SESSION

    session = config.stash.get(SESSION, None)  # with the checks on, they have resolved the inputs already
    try:
        return read_inputs(config) if session is None else session.inputs
    except OpsError as error:
        pytest.fail(safe(f"error: {error.message}"), pytrace=False)


def configured_stores(config: pytest.Config) -> QueueStores:
    """Return the stores of a session's options, environment and policy, unread. Fails the test for a bad one."""
    inputs = session_inputs(config)
    context = inputs.context

    def opened(location: str, default: StoreKind) -> Store:
        absolute = location if is_url(location) else os.path.join(inputs.rootdir, location)
        return store_kind(location, default).open(absolute)

    return QueueStores(opened(context.queue, MARKDOWN), opened(context.db, SQLITE), context.policy.consistency)


def checked(stores: QueueStores, folders: pytest.TempPathFactory) -> Checked:
    """Return the function of the fixture `assert_consistent_after`; copies go to new folders of `folders`."""

    def assert_consistent_after(
        operation: Callable[[Store], object], items: Iterable[Item] | None = None
    ) -> QueueStores:
        __tracebackhide__ = True
        try:
            copies, before = _copies(stores, folders) if items is None else _filled(items, stores.policy, folders)
        except OpsError as error:
            raise failed(told(error)) from None
        for store in (copies.md, copies.db):
            operation(store)
        try:
            after = _differences(copies)
        except OpsError as error:
            raise failed(f"the operation leaves a queue that cannot be read:\n{told(error)}") from None
        made = [line for difference, line in after.items() if difference not in before]
        if made:
            raise failed(_inconsistent(made, len(before)))
        return copies

    return assert_consistent_after


def _copies(stores: QueueStores, folders: pytest.TempPathFactory) -> tuple[QueueStores, Differences]:
    """Return copies of the stores and what differs between them.

    Other programs may be between their two writes: only what differs each time is taken for what there is. Raises
    InputError, ChangingError.
    """
    for pause_s in _PAUSES_S:
        time.sleep(pause_s)
        folder = str(folders.mktemp("queues"))
        try:
            copies = QueueStores(stores.md.scratch_copy(folder), stores.db.scratch_copy(folder), stores.policy)
            before = _differences(copies)
        except ChangingError:
            if pause_s == _PAUSES_S[-1]:
                raise
            continue
        if not before:
            break
    return copies, before


def _filled(
    items: Iterable[Item], policy: ConsistencyPolicy, folders: pytest.TempPathFactory
) -> tuple[QueueStores, Differences]:
    """Return new stores that hold the items. Raises InputError for items that no queue can hold."""
    given, folder = list(items), str(folders.mktemp("queues"))
    filled = QueueStores(new_document(given, folder), new_database(given, folder), policy)
    return filled, _differences(filled)


def new_document(items: Iterable[Item], folder: str) -> Store:
    """Return a new document in a folder that holds the items. Raises InputError for items that no queue can hold."""
    from ops_checks.scaffold.content import markdown

    path = os.path.join(folder, "QUEUE.md")
    with open(path, "xb") as file:
        file.write(markdown(_storable(items)))
    return MARKDOWN.open(path)


def new_database(items: Iterable[Item], folder: str) -> Store:
    """Return a new database in a folder that holds the items. Raises InputError for items that no queue can hold."""
    times = (_WRITTEN, _WRITTEN)
    rows = [(*item, *times) for item in _storable(items)]

    def fill(new: NewQueue) -> None:
        new.load(TABLE, (*FIELDS, "created_at", "updated_at"), rows)

    SQLITE.make((folder, "queue.db"), fill)
    return SQLITE.open(os.path.join(folder, "queue.db"))


def _storable(items: Iterable[Item]) -> list[Item]:
    """Return items that every store can hold. Raises InputError for others."""
    given = list(items)
    if len({item.id for item in given}) != len(given):
        raise InputError("items: an id stands twice among them")
    try:
        "".join(cell for item in given for cell in item).encode()
    except UnicodeEncodeError:
        raise InputError("items: a text holds half of a surrogate pair, which no file can") from None
    return given


def _differences(stores: QueueStores) -> Differences:
    """Return each difference as what it is, wherever it stands, with its line. Raises InputError, ChangingError."""
    drift = compare_by(stores.policy, stores.md, stores.db, keep=0, settle_s=0)  # nobody else writes to copies
    found = [finding for findings in drift.findings.values() for finding in findings]
    lacking = {finding.item for finding in found if finding.field is None}
    rows = {item.id: item for store in (stores.md, stores.db) if lacking for item in store if item.id in lacking}
    return {
        (each.rule, each.item, each.field, each.md, each.db, rows.get(each.item or "")): finding_line(each)
        for each in found
    }


def _inconsistent(made: list[str], before: int) -> str:
    lines = ["the operation leaves the queues inconsistent:", *(safe(f"  {line}") for line in made[:_LISTED])]
    more = len(made) - _LISTED
    lines += [f"  and {more} more"] if more > 0 else []
    lines += [f"  ({plural(before, 'difference', 'differences')} before the operation)"] if before else []
    return "\n".join(lines)


def failed(text: str) -> BaseException:
    """Return what fails a test with a text, without a traceback."""
    return pytest.fail.Exception(text, pytrace=False)


def told(error: OpsError) -> str:
    """Return the lines of an error."""
    return "\n  ".join(map(safe, (f"error: {error.message}", *error.details)))
