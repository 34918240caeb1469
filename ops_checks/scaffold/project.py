"""Make the files of a new project: entry point, both queues, run log and policy (OPS_COMMANDS `init`)."""

from __future__ import annotations

import os

from ops_checks.context import DEFAULT_DB, DEFAULT_LOG, DEFAULT_QUEUE
from ops_checks.files.new_file import make_file
from ops_checks.policy.search import DEFAULT_POLICY
from ops_checks.scaffold.content import markdown, policy, template
from ops_checks.stores.registry import DEFAULT_LOCK_TIMEOUT_S, SQLITE, is_url, store_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from ops_checks.scaffold.layout import Layout
    from ops_checks.stores.registry import Place
    from ops_checks.stores.relational.copying import TableRow
    from ops_checks.timestamps import Zone

    #: Makes what stands at a place, unless something is there, and returns whether it did.
    Make = Callable[[Place], bool]

ENTRY_POINT = "automation/orchestrator/ops.py"
#: Beside the entry point, so that an editor finds it without a network (the policy's first line names it).
POLICY_SCHEMA = "automation/orchestrator/policy.schema.json"

MADE = "made"
KEPT = "kept"


def make_project(
    project: Layout,
    *,
    demo: bool,
    now_s: float,
    zone: Zone,
    but: Collection[str] = (),
    lock_timeout_s: float = DEFAULT_LOCK_TIMEOUT_S,
) -> list[tuple[str, str]]:
    """Make the files of a project where they stand; return pairs of `made` or `kept` and path.

    `but` are those that are not made here, by their paths in the specification. Never overwrites: what exists is kept.
    With `demo` the queues and the log are filled, with times relative to `now_s` (epoch seconds); `zone` is
    the queue's. `lock_timeout_s` bounds the wait for other writers of a database. Raises WriteError for
    the first one that cannot be made, InputError for a database that is missing beside its journal, or is no queue;
    those before it stay, and the next call keeps them.
    """
    makers = _makers(project, demo=demo, now_s=now_s, zone=zone, timeout_s=lock_timeout_s)
    paths = [path for path in makers if path not in but and project.named.get(path, "") is not None]
    places = {path: project.place(path) for path in paths}
    # A server first: nothing is laid down for one that cannot be reached.
    ordered = sorted(paths, key=lambda path: not is_url(places[path][1]))
    outcomes = {path: makers[path](places[path]) for path in ordered}
    return [(MADE if outcomes[path] else KEPT, os.path.join(*places[path])) for path in paths]


def _makers(project: Layout, *, demo: bool, now_s: float, zone: Zone, timeout_s: float) -> dict[str, Make]:
    """Return the function that makes each file, by path, in the order in which they are made."""
    from ops_checks.policy.schema import policy_schema_text

    queue: Callable[[str], bytes] = lambda db: markdown([], db)  # noqa: E731 - as those of the demo
    rows: Callable[[], Iterable[TableRow]] = lambda: ()  # noqa: E731
    log: Callable[[], bytes] = lambda: b""  # noqa: E731
    if demo:
        from ops_checks.scaffold.demo import Operation

        operation = Operation(now_s=now_s, zone=zone)
        queue, rows, log = operation.queue, operation.rows, operation.log
    return {
        ENTRY_POINT: lambda place: make_file(*place, lambda: template("ops.py.txt"), executable=True),
        DEFAULT_QUEUE: lambda place: make_file(*place, lambda: queue(project.db_shown)),
        DEFAULT_DB: lambda place: _make_database(place, rows, timeout_s),
        DEFAULT_LOG: lambda place: make_file(*place, log),
        POLICY_SCHEMA: lambda place: make_file(*place, lambda: policy_schema_text().encode()),
        DEFAULT_POLICY: lambda place: make_file(*place, lambda: policy(project.settings)),
    }


def _make_database(place: Place, rows: Callable[[], Iterable[TableRow]], timeout_s: float) -> bool:
    from ops_checks.stores.relational.copying import load_rows

    kind = store_kind(place[1], SQLITE)
    return kind.make(place, lambda new: load_rows(new, rows()), lock_timeout_s=timeout_s)
