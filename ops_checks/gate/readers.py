"""How the evidence of each group of rules is read: the one table of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.findings import CONSISTENCY, HISTORY, KPI, OWN, QUEUE
from ops_checks.gate.inputs import read_drift, read_histories, read_kpis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ops_checks.context import Context
    from ops_checks.gate.asked import Asked
    from ops_checks.gate.inputs import Evidence

    Readers = Mapping[str, Callable[[Context, Asked], Evidence]]


def _rows(context: Context, asked: Asked) -> Evidence:
    from ops_checks.gate.rows import read_rows  # most policies name none of its rules

    return read_rows(context, asked)


def _own(context: Context, asked: Asked) -> Evidence:
    from ops_checks.gate.own import read_own

    return read_own(context, asked)


#: The reader of each group's evidence, by the group's id, in the order of a report. KPIs list the worst of what was
#: streamed by, and have no more, however many are asked for.
READERS: Readers = {
    CONSISTENCY.id: read_drift,
    KPI.id: lambda context, _: read_kpis(context),
    QUEUE.id: _rows,
    HISTORY.id: read_histories,
    OWN.id: _own,
}
