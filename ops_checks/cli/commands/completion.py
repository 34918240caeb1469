"""`completion`: print the script by which a shell completes this program's command lines."""

from __future__ import annotations

import os

from ops_checks.cli.answer import FORMAT, Answer
from ops_checks.cli.command import NOTHING, Command, PlainOption
from ops_checks.cli.output import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.cli.command import Invocation, Result

COMPLETION_SCHEMA = "ops-checks/completion/1"
_SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "completion_scripts")


def run(invocation: Invocation) -> Result:
    """Print the script of a shell."""
    shell = invocation.args.shell
    with open(os.path.join(_SCRIPTS, shell), encoding="utf-8") as file:
        script = file.read()
    return 0, Answer([Document(script)], lambda: {"schema": COMPLETION_SCHEMA, "shell": shell, "script": script})


COMMAND = Command(
    run,
    help="Print the script for completion in bash, zsh or fish.",
    example="source <(ops-checks completion bash)",
    needs=NOTHING,
    options=(PlainOption("shell", choices=tuple(sorted(os.listdir(_SCRIPTS))), help="the shell"), FORMAT),
)
