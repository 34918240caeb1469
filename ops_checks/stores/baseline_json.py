"""An agreement of both queues and its rows as JSON: in exported baselines and in snapshots (RECONCILE section 3)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import astuple

from ops_checks.stores.baseline import AgreedRow, Baseline

SCHEMA: Literal["ops-checks/baseline/1"] = "ops-checks/baseline/1"

Name = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0, le=2**62)]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
Commit = Annotated[str, Meta(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?\Z")]


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """The first line: the agreement itself."""

    schema: Literal["ops-checks/baseline/1"]
    id: Annotated[str, Meta(pattern=r"^b-[1-9][0-9]{0,17}\Z")]
    queue_id: Name
    made_at: str
    actor: str
    md_path: str
    md_digest: Digest
    md_commit: Commit | None
    items: Count
    tool: str


class Cells(Struct, frozen=True, forbid_unknown_fields=True):
    """The cells of a row, in the order of FIELDS without the id."""

    status: Literal["PENDING", "IN_PROGRESS", "BLOCKED", "DONE", "FAILED"] | None
    priority: Literal["P0", "P1", "P2"] | None
    task: str | None
    success_criteria: str | None
    owner_session: str | None
    started_at_kst: str | None
    due_at_kst: str | None
    notes: str | None


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """One item."""

    id: Name
    ordinal: Count
    cells: Cells
    event_id: Count | None
    updated_at: str
    md_commit: Commit | None


def header_json(baseline: Baseline) -> Header:
    """Return an agreement without its rows."""
    names = (baseline.name, baseline.queue_id, baseline.made_at, baseline.actor, baseline.md_path)
    return Header(SCHEMA, *names, baseline.md_digest, baseline.md_commit, baseline.items, baseline.tool)


def baseline_of(header: Header, source: str) -> Baseline:
    """Return the agreement that a header tells of; `source` is where it was read."""
    number = int(header.id.removeprefix("b-"))
    names = (header.queue_id, header.made_at, header.actor, header.md_path)
    return Baseline(number, *names, header.md_digest, header.md_commit, header.items, header.tool, source)


def row_json(row: AgreedRow) -> Row:
    """Return the agreed state of an item."""
    item_id, *cells = row.cells
    return Row(item_id or "", row.ordinal, Cells(*cells), row.event_id, row.updated_at, row.md_commit)  # type: ignore[arg-type] # from the fixed lists


def agreed_row(row: Row) -> AgreedRow:
    """Return the agreed state that a row tells of."""
    return AgreedRow((row.id, *astuple(row.cells)), row.ordinal, row.event_id, row.updated_at, row.md_commit)
