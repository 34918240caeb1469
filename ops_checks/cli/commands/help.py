"""`help`: show a page of the manual."""

from __future__ import annotations

from ops_checks.cli.answer import FORMAT, Answer, wants_json
from ops_checks.cli.command import NOTHING, Command
from ops_checks.cli.output import Document
from ops_checks.help import page, topics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence
    from typing import Any

    from ops_checks.cli.command import Invocation, Result

HELP_SCHEMA = "ops-checks/help/1"


_WIDEST = 100  # columns of a text that is easily read


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("topic", nargs="?", choices=topics(), metavar="TOPIC", help=f"one of {', '.join(topics())}")
    FORMAT.add_to(parser)


def run(invocation: Invocation) -> Result:
    """Show a page, on a terminal with a pager and wrapped to its width; without a topic, list the topics."""
    topic = invocation.args.topic
    if topic is None:
        return 0, Answer([f"{name}: {_title(name)}" for name in topics()], lambda: _as_json(topics()))
    if not invocation.terminal or wants_json(invocation.args):
        return 0, Answer([Document(page(topic))], lambda: _as_json([topic], whole=True))
    from pydoc import pager

    from ops_checks.cli.item_table import terminal_columns
    from ops_checks.presentation.wrapping import reflowed

    pager(reflowed(page(topic), min(terminal_columns(invocation.environ), _WIDEST)))
    return 0, []


def _title(topic: str) -> str:
    return page(topic).partition("\n")[0].removeprefix("# ")


def _as_json(topics: Sequence[str], *, whole: bool = False) -> dict[str, Any]:
    """Return pages as published JSON: their titles, or the whole of them."""
    pages = [{"topic": each, "title": _title(each), "text": page(each) if whole else None} for each in topics]
    return {"schema": HELP_SCHEMA, "pages": pages}


COMMAND = Command(
    run,
    help="Show a page of the manual.",
    example="ops-checks help policy",
    needs=NOTHING,
    arguments=_add_arguments,
)
