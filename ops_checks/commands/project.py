"""Setting a project up: init, schema, policy."""

from __future__ import annotations

import os

from ops_checks.settings import DEFAULT_POLICY
from ops_checks.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.commands import Call


def init(call: Call) -> tuple[int, Iterable[str]]:
    """Lay down a project in the current folder, and list what was made and what was kept."""
    from ops_checks.scaffold import lay_down
    from ops_checks.settings import resolve

    zone = resolve(call.environ, None).tz_minutes
    made = lay_down(os.getcwd(), demo=call.args.demo, now_s=call.now_s, tz_minutes=zone)
    return 0, [f"{what} {path}" for what, path in made]


def schema(call: Call) -> tuple[int, Iterable[str]]:
    """Print the JSON Schema of reports or of policies."""
    from ops_checks.policy import policy_schema
    from ops_checks.report.saved import report_schema
    from ops_checks.targets import Document

    return 0, [Document(report_schema() if call.args.of == "report" else policy_schema())]


def policy(call: Call) -> tuple[int, Iterable[str]]:
    """Validate a policy, or change one value of it."""
    from ops_checks.policy import load_policy
    from ops_checks.policy.edit import write

    path = getattr(call.args, "policy", None) or DEFAULT_POLICY
    if call.args.action == "check":
        load_policy(path)
        return 0, [f"policy ok {visible(path)}"]
    write(path, call.args.key, call.args.value)
    return 0, [f"{call.args.key}: {call.args.value}"]
