"""Make the files of a new project: entry point, both queues, run log and policy (OPS_COMMANDS `init`)."""

from __future__ import annotations

from ops_checks.context import DEFAULT_DB, DEFAULT_LOG, DEFAULT_QUEUE
from ops_checks.files.new_file import make_file
from ops_checks.policy.search import DEFAULT_POLICY
from ops_checks.scaffold.content import database, markdown, template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ENTRY_POINT = "automation/orchestrator/ops.py"
#: Beside the entry point, so that an editor finds it without a network (the policy's first line names it).
POLICY_SCHEMA = "automation/orchestrator/policy.schema.json"

MADE = "made"
KEPT = "kept"


def make_project(folder: str, *, demo: bool, now_s: float, tz_minutes: int) -> list[tuple[str, str]]:
    """Make the files at the specification's paths in a folder; return pairs of `made` or `kept` and path.

    Never overwrites: a path that exists is kept. With `demo` the queues and the log are filled, with
    times relative to `now_s` (epoch seconds); the queue's zone is `tz_minutes` east of UTC. Raises
    WriteError for the first file that cannot be made; those before it stay, and the next call keeps them.
    """
    made = []
    for path, content in _contents(demo=demo, now_s=now_s, tz_minutes=tz_minutes).items():
        new = make_file(folder, path, content, executable=path == ENTRY_POINT)
        made.append((MADE if new else KEPT, path))
    return made


def _contents(*, demo: bool, now_s: float, tz_minutes: int) -> dict[str, Callable[[], bytes]]:
    """Return the function that renders each file, by path, in the order in which the files are made."""
    from ops_checks.policy.schema import policy_schema_text

    files: dict[str, Callable[[], bytes]] = {
        ENTRY_POINT: lambda: template("ops.py.txt"),
        DEFAULT_QUEUE: lambda: markdown([]),
        DEFAULT_DB: lambda: database([], []),
        DEFAULT_LOG: lambda: b"",
        POLICY_SCHEMA: lambda: policy_schema_text().encode(),
        DEFAULT_POLICY: lambda: template("ops-checks.yaml"),
    }
    if demo:
        from ops_checks.scaffold.demo import Operation

        operation = Operation(now_s=now_s, tz_minutes=tz_minutes)
        files |= {DEFAULT_QUEUE: operation.queue, DEFAULT_DB: operation.database, DEFAULT_LOG: operation.log}
    return files
