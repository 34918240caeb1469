"""The configured stores for users' own tests, and scratch copies of them for an operation under test.

from ops_checks import Stamp, cancel


def test_cancel_leaves_the_queues_consistent(assert_consistent_after):
    stamp = Stamp(actor="test", now_s=1_767_225_600, tz_minutes=540)

    copies = assert_consistent_after(lambda queue: queue.change("ORCH-102", cancel(stamp)))

    assert copies.db.get("ORCH-102").status == "BLOCKED"
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Protocol

import pytest
from msgspec import Struct

from ops_checks.errors import ChangingError, OpsError
from ops_checks.gate.stable_reading import compare_by
from ops_checks.presentation.wording import finding_line
from ops_checks.pytest_plugin.messages import safe
from ops_checks.pytest_plugin.options import read_inputs
from ops_checks.stores.registry import MARKDOWN, SQLITE, is_url, store_kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.policy.model import ConsistencyPolicy
    from ops_checks.stores.protocol import Store
    from ops_checks.stores.registry import StoreKind

#: Pause before each attempt, in seconds: other programs may be writing to the stores.
_PAUSES_S = (0.0, 0.05, 0.2)
_LISTED = 10


class QueueStores(Struct, frozen=True):
    """Both stores, and the policy of their comparison."""

    md: Store
    db: Store
    policy: ConsistencyPolicy


class Checked(Protocol):
    """The type of the fixture `assert_consistent_after`."""

    def __call__(self, operation: Callable[[Store], object]) -> QueueStores:
        """Run the operation on a copy of each store; fail the test unless the copies agree before and after it."""
        ...


def configured_stores(config: pytest.Config) -> QueueStores:
    """Return the stores of a session's options, environment and policy, unread. Fails the test for a bad one."""
    from ops_checks.pytest_plugin.session import SESSION

    session = config.stash.get(SESSION, None)  # with the checks on, they have resolved the inputs already
    try:
        inputs = read_inputs(config) if session is None else session.inputs
    except OpsError as error:
        pytest.fail(safe(f"error: {error.message}"), pytrace=False)
    context = inputs.context

    def opened(location: str, default: StoreKind) -> Store:
        absolute = location if is_url(location) else os.path.join(inputs.rootdir, location)
        return store_kind(location, default).open(absolute)

    return QueueStores(opened(context.queue, MARKDOWN), opened(context.db, SQLITE), context.policy.consistency)


def checked(stores: QueueStores, folders: pytest.TempPathFactory) -> Checked:
    """Return the function of the fixture `assert_consistent_after`; copies go to new folders of `folders`."""

    def assert_consistent_after(operation: Callable[[Store], object]) -> QueueStores:
        __tracebackhide__ = True
        copies = _consistent_copies(stores, folders)
        for store in (copies.md, copies.db):
            operation(store)
        differences = _differences(copies)
        if differences:
            pytest.fail("\n".join(("the operation leaves the queues inconsistent:", *differences)), pytrace=False)
        return copies

    return assert_consistent_after


def _consistent_copies(stores: QueueStores, folders: pytest.TempPathFactory) -> QueueStores:
    """Return copies that agree, or fail the test: an operation on copies that differ would prove nothing."""
    __tracebackhide__ = True
    differences: list[str] = []
    for pause_s in _PAUSES_S:
        time.sleep(pause_s)
        folder = str(folders.mktemp("queues"))
        try:
            copies = QueueStores(stores.md.scratch_copy(folder), stores.db.scratch_copy(folder), stores.policy)
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


def _differences(stores: QueueStores) -> list[str]:
    drift = compare_by(stores.policy, stores.md, stores.db, settle_s=0)  # nobody else writes to copies
    lines = [safe(f"  {finding_line(finding)}") for found in drift.findings.values() for finding in found]
    more = sum(drift.counts.values()) - len(lines[:_LISTED])
    return lines[:_LISTED] + ([f"  and {more} more"] if more else [])
