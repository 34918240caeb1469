"""`completion`: print the script by which a shell completes this program's command lines."""

from __future__ import annotations

import os

from ops_checks.cli.command import NOTHING, Command, PlainOption
from ops_checks.cli.output import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation, Result

_SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "completion_scripts")


def run(invocation: Invocation) -> Result:
    """Print the script of a shell."""
    with open(os.path.join(_SCRIPTS, invocation.args.shell), encoding="utf-8") as file:
        return 0, [Document(file.read())]


COMMAND = Command(
    run,
    help="Print the script for completion in bash, zsh or fish.",
    example="source <(ops-checks completion bash)",
    needs=NOTHING,
    options=(PlainOption("shell", choices=tuple(sorted(os.listdir(_SCRIPTS))), help="the shell"),),
)
