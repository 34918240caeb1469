"""`init`: make a project in the current folder, with --demo one with findings."""

from __future__ import annotations

import os

from ops_checks.cli.command import NOTHING, Command
from ops_checks.environment import zone_minutes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--demo", action="store_true", help="fill it with a small operation, drift and an alert")


def run(invocation: Invocation) -> Result:
    """Make a project in the current folder, and list what was made and what was kept.

    Raises UsageError, before anything is made, for a file that only looks like the policy.
    """
    from ops_checks.policy.search import refuse_lookalikes
    from ops_checks.scaffold.project import make_project

    refuse_lookalikes()
    zone = zone_minutes(invocation.environ)
    made = make_project(os.getcwd(), demo=invocation.args.demo, now_s=invocation.clock(), tz_minutes=zone)
    return 0, [f"{what} {path}" for what, path in made]


COMMAND = Command(
    run,
    help="Make entry point, queue, database and logs in this folder.",
    example="ops-checks init --demo",
    needs=NOTHING,
    arguments=_add_arguments,
)
