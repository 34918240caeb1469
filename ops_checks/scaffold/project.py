"""Make the files of a new project: entry point, both queues, run log and policy (OPS_COMMANDS `init`)."""

from __future__ import annotations

import os

from ops_checks.context import DEFAULT_DB, DEFAULT_LOG, DEFAULT_QUEUE
from ops_checks.files.new_file import make_file
from ops_checks.policy.search import DEFAULT_POLICY
from ops_checks.scaffold.content import database, markdown, policy, template
from ops_checks.stores.sqlite.connection import must_have_no_leftovers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.scaffold.layout import Layout

ENTRY_POINT = "automation/orchestrator/ops.py"
#: Beside the entry point, so that an editor finds it without a network (the policy's first line names it).
POLICY_SCHEMA = "automation/orchestrator/policy.schema.json"

MADE = "made"
KEPT = "kept"


def make_project(
    project: Layout, *, demo: bool, now_s: float, tz_minutes: int, but: str | None = None
) -> list[tuple[str, str]]:
    """Make the files of a project where they stand; return pairs of `made` or `kept` and path.

    `but` is the one that is not made here, by its path in the specification. Never overwrites: a path that exists is
    kept. With `demo` the queues and the log are filled, with times relative to `now_s` (epoch seconds); the queue's
    zone is `tz_minutes` east of UTC. Raises WriteError for the first file that cannot be made, InputError for a
    database that is missing beside its journal; those before it stay, and the next call keeps them.
    """
    made = []
    contents = _contents(demo=demo, now_s=now_s, tz_minutes=tz_minutes, project=project)
    for path, content in contents.items():
        if path != but and project.named.get(path, "") is not None:
            top, below = project.place(path)
            if path == DEFAULT_DB:
                must_have_no_leftovers(os.path.join(top, below))
            new = make_file(top, below, content, executable=path == ENTRY_POINT)
            made.append((MADE if new else KEPT, os.path.join(top, below)))
    return made


def _contents(*, demo: bool, now_s: float, tz_minutes: int, project: Layout) -> dict[str, Callable[[], bytes]]:
    """Return the function that renders each file, by path, in the order in which the files are made."""
    from ops_checks.policy.schema import policy_schema_text

    files: dict[str, Callable[[], bytes]] = {
        ENTRY_POINT: lambda: template("ops.py.txt"),
        DEFAULT_QUEUE: lambda: markdown([], project.db_shown),
        DEFAULT_DB: lambda: database([], []),
        DEFAULT_LOG: lambda: b"",
        POLICY_SCHEMA: lambda: policy_schema_text().encode(),
        DEFAULT_POLICY: lambda: policy(project.settings),
    }
    if demo:
        from ops_checks.scaffold.demo import Operation

        operation = Operation(now_s=now_s, tz_minutes=tz_minutes)
        files |= {DEFAULT_QUEUE: operation.queue, DEFAULT_DB: operation.database, DEFAULT_LOG: operation.log}
    return files
