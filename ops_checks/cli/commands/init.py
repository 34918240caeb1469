"""`init`: make a project, with --demo one with findings, with --from one from the side of a queue that exists."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ops_checks.cli.answer import FORMAT, Answer
from ops_checks.cli.command import POLICY, Command
from ops_checks.cli.options import path
from ops_checks.cli.output import Made
from ops_checks.context import DEFAULT_DB, DEFAULT_QUEUE
from ops_checks.errors import UsageError
from ops_checks.exit_codes import OK
from ops_checks.files.ignore_file import GITIGNORE, add_ignored
from ops_checks.sanitize import visible
from ops_checks.scaffold.layout import layout
from ops_checks.scaffold.project import MADE, make_project
from ops_checks.scaffold.unshared import unshared
from ops_checks.settings import resolve
from ops_checks.stores.registry import is_url, same_location

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Collection, Iterator
    from typing import Any

    from ops_checks.cli.command import Invocation, Result
    from ops_checks.context import Context
    from ops_checks.reconcile.missing_side import Agreed
    from ops_checks.scaffold.layout import Layout

INIT_SCHEMA = "ops-checks/init/1"


def _add_arguments(parser: ArgumentParser) -> None:
    content = parser.add_mutually_exclusive_group()
    content.add_argument("--demo", action="store_true", help="fill it with a small operation, drift and an alert")
    content.add_argument(
        "--from", dest="source", metavar="PATH", type=path, help="a document or a database: make the other side from it"
    )
    FORMAT.add_to(parser)


def run(invocation: Invocation) -> Result:
    """Make a project in the current folder, or complete the one above, and list what was made and what was kept.

    With `--from` the side of the queue that is missing is made from the other one. Raises UsageError, before anything
    is made, for a file that only looks like the policy.
    """
    args, context = invocation.args, invocation.context
    agreed: Agreed | None = None
    if args.source is None:
        project = layout(context, queue=getattr(args, "queue", None), db=getattr(args, "db", None))
        made = _made(context, project, demo=args.demo)
        lines = _listed(made)
    else:
        context, project, made, agreed = _from_source(invocation)
        lines = [*_listed(made[:-1]), *map(Made, _listed(made[-1:])), *_baseline_lines(agreed)]
    what, notes = add_ignored(project.folder, unshared(project.folder, context.queue, context.db))
    ignoring = [(what, os.path.join(project.folder, GITIGNORE))] if what else []
    invocation.note([*notes, *_found_elsewhere(invocation, context)])
    lines += _listed(ignoring)
    return OK, Answer(lines, lambda: _as_json(context, project, [*made, *ignoring], agreed))


def _made(context: Context, project: Layout, *, demo: bool = False, but: Collection[str] = ()) -> list[tuple[str, str]]:
    return make_project(
        project,
        demo=demo,
        now_s=context.now_s,
        zone=context.zone,
        but=but,
        lock_timeout_s=context.lock_timeout_s,
    )


def _listed(made: list[tuple[str, str]]) -> list[str]:
    return [f"{what} {each}" for what, each in made]


def _baseline_lines(agreed: Agreed | None) -> list[str]:
    if agreed is None:
        return []
    return [f"baseline {agreed.name} agreed={agreed.counts.agreed} unagreed={agreed.counts.unagreed}"]


def _as_json(context: Context, project: Layout, made: list[tuple[str, str]], agreed: Agreed | None) -> dict[str, Any]:
    """Return what was made, what was kept, and the baseline that was recorded, as published JSON."""
    return {
        "schema": INIT_SCHEMA,
        "folder": os.path.abspath(project.folder or os.curdir),
        "queue": context.queue,
        "db": context.db,
        "files": [{"path": each, "outcome": what} for what, each in made],
        "baseline": agreed and {"id": agreed.name, "agreed": agreed.counts.agreed, "unagreed": agreed.counts.unagreed},
    }


def _from_source(invocation: Invocation) -> tuple[Context, Layout, list[tuple[str, str]], Agreed | None]:
    """Make the side that is missing, and the rest of the project; return its context and layout, and what was made.

    The side comes last. A database of which `--db` names another one is copied there, and the document is left alone.
    Raises UsageError for an option that names another source, and what making the side raises.
    """
    from ops_checks.reconcile.missing_side import make_copy, make_database, make_document
    from ops_checks.reconcile.reading import database
    from ops_checks.stores.by_content import kind_by_content
    from ops_checks.stores.registry import MARKDOWN

    args = invocation.args
    named: dict[str, str | None] = {"queue": getattr(args, "queue", None), "db": getattr(args, "db", None)}
    key = "queue" if kind_by_content(args.source) is MARKDOWN else "db"
    source = invocation.context.with_queues(**{key: args.source})
    other = named[key]
    copies = other is not None and not _same(other, args.source)
    if copies and key == "queue":
        raise UsageError(
            f"--queue {visible(str(other))}: --from names another one, {visible(args.source)}: leave out one of both"
        )
    context = invocation.context if copies else source
    project = layout(context, **(named if copies else named | {key: args.source}))
    missing = DEFAULT_QUEUE if key == "db" and not copies else DEFAULT_DB
    place = project.place(missing)
    made: list[tuple[str, str]] = []

    def lay_down() -> None:
        made[:] = _made(context, project, but=(missing, DEFAULT_QUEUE) if copies else (missing,))

    if copies:
        side = make_copy(context, database(source), place, lay_down=lay_down)
    elif key == "queue":
        side = make_database(context, place, lay_down=lay_down)
    else:
        side = make_document(context, place, lay_down=lay_down, db_shown=project.db_shown)
    lacking = [f"{visible(context.queue)}: is not there, and a copy makes none"] if _lacks_document(project) else []
    invocation.note([*side.notes, *lacking])
    return context, project, [*made, (MADE, os.path.join(*place))], side.recorded


def _lacks_document(project: Layout) -> bool:
    return not os.path.lexists(os.path.join(*project.place(DEFAULT_QUEUE)))


def _same(one: str, other: str) -> bool:
    if is_url(one) or is_url(other):
        return one == other
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _found_elsewhere(invocation: Invocation, context: Context) -> Iterator[str]:
    """Yield a note for each queue that later commands do not find without an option: a policy that stood is kept."""
    args = invocation.args
    found = resolve(invocation.environ, policy_path=getattr(args, "policy", None))
    for key, variable, now, later in (
        ("queue", "ORCH_QUEUE_MD", context.queue, found.queue),
        ("db", "ORCH_DB_PATH", context.db, found.db),
    ):
        if not same_location(now, later):
            by = variable if invocation.environ.get(variable) else found.policy_path
            advice = f"give them --{key}, or name it in {visible(by)}"
            yield f"{visible(now)}: other commands read {visible(later)}: {advice}"


COMMAND = Command(
    run,
    help="Make entry point, queue, database and logs in this folder.",
    example="ops-checks init --from QUEUE.md",
    needs=POLICY,
    from_below=False,
    arguments=_add_arguments,
)
