"""`schema`: print a published JSON Schema (2020-12)."""

from __future__ import annotations

from functools import partial

from ops_checks.cli.answer import FORMAT
from ops_checks.cli.command import NOTHING, Command
from ops_checks.cli.output import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping

    from ops_checks.cli.command import Invocation, Result


def _policy_schema() -> str:
    from ops_checks.policy.schema import policy_schema_text

    return policy_schema_text()


def _report_schema() -> str:
    from ops_checks.report.parse import report_schema

    return report_schema()


def _plan_schema() -> str:
    from ops_checks.reconcile.plan_file import plan_schema

    return plan_schema()


def _result_schema() -> str:
    from ops_checks.reconcile.result_json import result_schema

    return result_schema()


def _base_schema() -> str:
    from ops_checks.reconcile.base_file import base_schema

    return base_schema()


def _snapshot_schema() -> str:
    from ops_checks.snapshots.document import snapshot_schema

    return snapshot_schema()


def _history_schema() -> str:
    from ops_checks.report.history_line import history_schema

    return history_schema()


def _of_commands(name: str) -> str:
    from importlib.resources import files

    return files("ops_checks.cli").joinpath("schemas", f"{name}-1.json").read_text(encoding="utf-8")


#: The documents that commands print, and the one that they print in place of those where an error is all there is.
_PRINTED = (
    "list",
    "show",
    "status",
    "workers",
    "mutation",
    "wait",
    "kpi-compare",
    "init",
    "baseline-result",
    "snapshot-result",
    "kpi-by",
    "policy-check",
    "history-show",
    "backtest",
    "help",
    "completion",
    "error",
)
#: What has a schema, and what returns it.
SCHEMAS: Mapping[str, Callable[[], str]] = {
    "report": _report_schema,
    "policy": _policy_schema,
    "plan": _plan_schema,
    "result": _result_schema,
    "baseline": _base_schema,
    "snapshot": _snapshot_schema,
    "history": _history_schema,
    **{name: partial(_of_commands, name) for name in _PRINTED},
}


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("of", metavar="NAME", choices=SCHEMAS, help=f"what the schema is for: {', '.join(SCHEMAS)}")
    FORMAT.add_to(parser)


def run(invocation: Invocation) -> Result:
    """Print the schema, which is JSON in either format."""
    return 0, [Document(SCHEMAS[invocation.args.of]())]


COMMAND = Command(
    run,
    help="Print the JSON Schema of what ops-checks reads or prints as JSON.",
    example="ops-checks schema report",
    needs=NOTHING,
    arguments=_add_arguments,
)
