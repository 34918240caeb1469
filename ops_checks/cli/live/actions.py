"""What can be done to an item from a live view: by the commands themselves, in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.cli.bulk import Chosen
from ops_checks.cli.command import Invocation, load_command
from ops_checks.cli.output import error_lines
from ops_checks.cli.parser import parse
from ops_checks.context import new_operation
from ops_checks.errors import OpsError
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ops_checks.context import Context
    from ops_checks.model import Item

#: The commands that change an item, by the key that asks for it.
CHANGES = {"c": "cancel", "r": "retry"}


class Outcome(NamedTuple):
    """What a command ended in: lines for stdout, and remarks for stderr, all visible."""

    lines: list[str]
    remarks: list[str]


class Actions:
    """Carries commands out for one item; `environ` and `clock` (epoch seconds) are those of the live view's command."""

    def __init__(self, context: Context, environ: Mapping[str, str], clock: Callable[[], float]) -> None:
        self._context = context
        self._environ = environ
        self._clock = clock

    def show(self, item_id: str) -> list[str]:
        """Return the lines of `show`."""
        done = self._carry_out("show", parse(["show", "--color", "never", "--", item_id]))
        return [*done.remarks, *done.lines]

    def change(self, name: str, item: Item) -> Outcome:
        """Carry out `cancel` or `retry`; an item that has changed hands since it was shown is refused."""
        args = parse([name, f"--id={item.id}"])
        return self._carry_out(name, args, Chosen([item.id], {item.id: item}))

    def _carry_out(self, name: str, args: Any, confirmed: Chosen | None = None) -> Outcome:  # noqa: ANN401 - argparse's
        context = self._context.with_queues()  # in a thread of its own
        context.now_s, context.operation, context.progress = self._clock(), new_operation(), None
        invocation = Invocation(args, context, self._environ, self._clock, terminal=False, confirmed=confirmed)
        lines: list[str] = []
        try:
            _, found = load_command(name).run(invocation)
            lines += found
        except OpsError as error:
            invocation.remarks += error_lines(error)
        except OSError as error:
            invocation.remarks.append(
                f"error: {error.strerror or type(error).__name__}: check the disk, then try again"
            )
        return Outcome(list(map(visible, lines)), list(map(visible, invocation.remarks)))
