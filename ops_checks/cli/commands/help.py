"""`help`: show a page of the manual."""

from __future__ import annotations

from ops_checks.cli.command import NOTHING, Command
from ops_checks.cli.output import Document
from ops_checks.help import page, topics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from ops_checks.cli.command import Invocation, Result


_WIDEST = 100  # columns of a text that is easily read


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("topic", nargs="?", choices=topics(), metavar="TOPIC", help=f"one of {', '.join(topics())}")


def run(invocation: Invocation) -> Result:
    """Show a page, on a terminal with a pager and wrapped to its width; without a topic, list the topics."""
    topic = invocation.args.topic
    if topic is None:
        return 0, [f"{name}: {page(name).partition(chr(10))[0].removeprefix('# ')}" for name in topics()]
    if not invocation.terminal:
        return 0, [Document(page(topic))]
    from pydoc import pager

    from ops_checks.cli.item_table import terminal_columns
    from ops_checks.presentation.wrapping import reflowed

    pager(reflowed(page(topic), min(terminal_columns(invocation.environ), _WIDEST)))
    return 0, []


COMMAND = Command(
    run,
    help="Show a page of the manual.",
    example="ops-checks help policy",
    needs=NOTHING,
    arguments=_add_arguments,
)
