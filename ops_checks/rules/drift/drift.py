"""What a comparison of both queues found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from ops_checks.findings import Finding
    from ops_checks.rules.drift.pair import Pair


class Drift(Struct):
    """What a comparison found: `total` items of the Markdown queue, `counts` and kept `findings` by rule.

    `unlisted` are findings that were not kept, by rule, as far as they were recorded.
    `differing` is the number of items with findings; `baseline` names the last agreement, where the database has one
    and it was asked for. `total_db` are the items of the database; `ignored` and `ignored_db` those of each side that
    were not compared, because of their status.
    True only if the queues agree, so that `if compare(md, db):` is what it seems to be.
    `items`, where asked for, stands for what both sides of each item with drift say; `pairs`, where asked for, are
    those items, to be read while the snapshots are open. `notes` say how long programs
    that were writing were waited for.
    """

    counts: dict[str, int]
    findings: dict[str, list[Finding]]
    differing: int = 0
    baseline: str | None = None
    total: int = 0
    total_db: int = 0
    ignored: int = 0
    ignored_db: int = 0
    items: dict[str, int] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    unlisted: dict[str, list[Finding]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def compared(self) -> int:
        """The number of items that were compared: of the side that has more of them."""
        return max(self.total - self.ignored, self.total_db - self.ignored_db)

    @property
    def ok(self) -> bool:
        """Whether the queues agree."""
        return not any(self.counts.values())

    def __bool__(self) -> bool:
        """Return whether the queues agree."""
        return self.ok
