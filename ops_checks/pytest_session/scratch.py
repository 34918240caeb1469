"""The configured stores for people's own tests, and scratch copies of them to try an operation on.

from ops_checks import Stamp, cancel


def test_cancel_leaves_the_queues_consistent(assert_consistent_after):
    stamp = Stamp(actor="test", now_s=1_767_225_600, tz_minutes=540)

    copies = assert_consistent_after(lambda queue: queue.change("ORCH-102", cancel(stamp)))

    with copies.db.view() as view:
        statuses = {item.id: item.status for _, item in view.items()}
    assert statuses["ORCH-102"] == "BLOCKED"
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from msgspec import Struct

from ops_checks.errors import ChangingError, InputError, OpsError
from ops_checks.formats.telling import line_of
from ops_checks.gate import compare
from ops_checks.pytest_session.inputs import read_inputs
from ops_checks.pytest_session.words import safe
from ops_checks.queues import open_database, open_markdown
from ops_checks.queues.markdown import MarkdownView
from ops_checks.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.policy import ConsistencyPolicy
    from ops_checks.queues import Queue

#: Pauses before each look at stores that other programs write to.
_PAUSES_S = (0.0, 0.05, 0.2)
_LISTED = 10


class QueueStores(Struct, frozen=True):
    """Both stores, and the policy by which they are compared."""

    md: Queue
    db: Queue
    policy: ConsistencyPolicy


class Checked(Protocol):
    """What the fixture `assert_consistent_after` gives."""

    def __call__(self, operation: Callable[[Queue], object]) -> QueueStores:
        """Run the operation on a copy of either store; fail the test unless the copies agree before and after it."""
        ...


def configured_stores(config: pytest.Config) -> QueueStores:
    """Return the stores that a session's options, environment and policy name; nothing is read yet."""
    try:
        inputs = read_inputs(config)
    except OpsError as error:
        pytest.fail(safe(f"error: {error.message}"), pytrace=False)
    return _stores(
        os.path.join(inputs.rootdir, inputs.settings.queue),
        os.path.join(inputs.rootdir, inputs.settings.db),
        inputs.policy.consistency,
    )


def checked(stores: QueueStores, folders: pytest.TempPathFactory) -> Checked:
    """Return the function of the fixture `assert_consistent_after`; copies go to new folders of `folders`."""

    def assert_consistent_after(operation: Callable[[Queue], object]) -> QueueStores:
        __tracebackhide__ = True
        copies = _consistent_copies(stores, folders.mktemp("queues"))
        for queue in (copies.md, copies.db):
            operation(queue)
        differences = _differences(copies)
        if differences:
            pytest.fail("\n".join(("the operation leaves the queues inconsistent:", *differences)), pytrace=False)
        return copies

    return assert_consistent_after


def _stores(md: str, db: str, policy: ConsistencyPolicy) -> QueueStores:
    return QueueStores(open_markdown(md), open_database(db), policy)


def _consistent_copies(stores: QueueStores, folder: Path) -> QueueStores:
    """Return copies that agree, or fail the test: then nothing could be said about an operation on them."""
    __tracebackhide__ = True
    differences: list[str] = []
    for number, pause_s in enumerate(_PAUSES_S):
        time.sleep(pause_s)
        md, db = (os.path.join(folder, f"{number}-{name}") for name in ("QUEUE.md", "queue.db"))
        try:
            _copy_markdown(stores.md.path, md)
            _copy_database(stores.db, db)
            copies = _stores(md, db, stores.policy)
            differences = _differences(copies)
        except ChangingError as error:
            differences = [safe(error.message)]
        except OpsError as error:
            pytest.fail("\n  ".join(map(safe, (f"error: {error.message}", *error.details))), pytrace=False)
        if not differences:
            return copies
    return pytest.fail(
        "\n".join(("the queues are inconsistent already, before the operation:", *differences)), pytrace=False
    )


def _copy_markdown(path: str, target: str) -> None:
    with MarkdownView(path) as view, open(target, "xb") as file:
        file.write(view.content())


def _copy_database(queue: Queue, target: str) -> None:
    """Copy a database as it is committed at this moment, its write-ahead log included, while others may write to it."""
    with queue.view():  # says what is wrong with it, if anything is
        pass
    source = Path(os.path.abspath(queue.path)).as_uri() + "?mode=rw"
    try:
        with closing(sqlite3.connect(source, uri=True)) as opened, closing(sqlite3.connect(target)) as copy:
            opened.backup(copy)
    except sqlite3.Error as error:
        raise InputError(f"{visible(queue.path)}: cannot be copied ({visible(str(error))}): check the file") from error


def _differences(stores: QueueStores) -> list[str]:
    rules = stores.policy
    drift = compare(stores.md, stores.db, fields=rules.fields, ignore_statuses=rules.ignore_statuses)
    lines = [safe(f"  {line_of(finding)}") for found in drift.findings.values() for finding in found]
    more = sum(drift.counts.values()) - len(lines[:_LISTED])
    return lines[:_LISTED] + ([f"  and {more} more"] if more else [])
