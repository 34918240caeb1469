"""Find the items that differ and whose events could not have happened (RECONCILE section 16, last sentence). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.findings import HISTORY
from ops_checks.rules.history import events as history_events
from ops_checks.rules.history.history import History, Row
from ops_checks.rules.history.judgement import broken_laws, evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops_checks.model import Item
    from ops_checks.policy.model import Policy
    from ops_checks.reconcile.model import ItemState
    from ops_checks.stores.changes import Reliability
    from ops_checks.stores.event import Event

    #: The broken laws of an item: rule, and what is out in one line.
    Broken = Sequence[tuple[str, str]]


def broken_by(item: Item, lease: Reliability | None, events: Sequence[Event]) -> Broken:
    """Return the laws that the events of an item in the database break."""
    absent = lease.absent if lease else ()
    row = Row(item.status, lease.attempt_count if lease else None, lease.max_attempts if lease else None)
    types = [event.event_type for event in events]
    payloads = history_events.read_payloads(types, [event.payload for event in events])
    columns = zip((event.event_id for event in events), types, map(_time, events), payloads, strict=True)
    found = broken_laws(History(row, list(map(history_events.Event._make, columns))), absent)
    return [(rule, f"{rule}: {broken.what} ({evidence(broken)})") for rule, broken in found]


def _time(event: Event) -> str:
    return str(event.created_at or "")


def remarks_of(broken: Mapping[str, Broken], policy: Policy) -> dict[str, list[str]]:
    """Return by item a remark for each broken law that is an error: machines obey the database all the same.

    A law is an error unless the policy gives it less weight, whether the gate looks at histories or not.
    """
    asking = policy.asking_for([HISTORY.id])
    limits = {rule.id: asking.threshold(rule) for rule in asking.active_rules([HISTORY.id])}
    errors = {rule for rule, limit in limits.items() if limit is not None and limit.severity == "error"}
    remarks = {item_id: [line for rule, line in found if rule in errors] for item_id, found in broken.items()}
    return {item_id: lines for item_id, lines in remarks.items() if lines}


def with_suspects(states: Sequence[ItemState], remarks: Mapping[str, Sequence[str]]) -> list[ItemState]:
    """Return the items, those with a remark marked: the document's side of them goes over only if a person says so."""
    return [replace(state, suspect=state.id in remarks) for state in states]
