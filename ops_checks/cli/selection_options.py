"""The options that select items: of `list`, and of what works on several at once."""

from __future__ import annotations

from ops_checks.cli.answer import FORMAT
from ops_checks.cli.command import FLAG, IDS, OWNERS, SOME, PlainOption, add_options
from ops_checks.errors import UsageError
from ops_checks.model import PRIORITIES, STATUSES
from ops_checks.sanitize import visible
from ops_checks.selection import Selector
from ops_checks.stores.unknown_item import ids_of, unknown_item
from ops_checks.suggestions import did_you_mean
from ops_checks.timestamps import TIMES, moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterable, Sequence
    from typing import Any

    from ops_checks.context import Context
    from ops_checks.selection import Selected
    from ops_checks.stores.protocol import Store
    from ops_checks.timestamps import Zone

#: What to do about an id that no item has.
SEE_IDS = "see the ids in `ops-checks list -f ids`"

#: Every option by which items are selected.
SELECTION = (
    PlainOption("--id", metavar="ID", repeatable=True, words=IDS, help="an id, or a glob with * and ?; repeatable"),
    PlainOption(
        "--status",
        metavar="STATUS",
        repeatable=True,
        words=(SOME, *STATUSES),
        help=", ".join(STATUSES) + "; repeatable, or with commas",
    ),
    PlainOption(
        "--priority",
        metavar="P",
        repeatable=True,
        words=(SOME, *PRIORITIES),
        help=", ".join(PRIORITIES) + "; repeatable, or with commas",
    ),
    PlainOption(
        "--owner", metavar="NAME", repeatable=True, words=OWNERS, help="an owner, exactly, - for none; repeatable"
    ),
    PlainOption("--since", metavar="TIME", help=f"changed or started since then: {TIMES}"),
    PlainOption("--until", metavar="TIME", help="changed or started until then"),
    PlainOption("--stale", kind=FLAG, help="in progress for longer than the policy's stale_minutes"),
    PlainOption("--search", metavar="TEXT", help="with this text in id, task, criteria, notes, owner or last error"),
)

#: Whether to ask about selected items, whether to write, and whether to write all of them or none.
BULK = (
    PlainOption("--yes", kind=FLAG, help="do not ask about items that were selected"),
    PlainOption("--bulk", metavar="N", kind="count", help="ask about more than N selected items (default: 3)"),
    PlainOption("--all-or-nothing", kind=FLAG, help="change all of the items, or none"),
    PlainOption("--dry-run", kind=FLAG, help="decide and print what would change, write nothing"),
)
ACTOR = PlainOption("--actor", metavar="NAME", kind="name", help="who does it (default: the login name)")


def selected(id_help: str) -> tuple[PlainOption, ...]:
    """Return the options that select the items to change."""
    by_id = PlainOption("--id", metavar="ID", kind="item_id", repeatable=True, words=IDS, help=id_help)
    return (by_id, *(option for option in SELECTION if option.dest != "id"))


#: The options of what changes items.
MUTATION = (
    *selected("an item, such as ORCH-013, or a glob; repeatable"),
    *BULK,
    PlainOption("--both", kind=FLAG, help="change both queues, or neither"),
    ACTOR,
    FORMAT,
)


def add_selection(parser: ArgumentParser) -> None:
    """Add the options that select items."""
    add_options(parser, SELECTION)


def selector_of(args: Any, context: Context) -> Selector:  # noqa: ANN401 - argparse's, or the quick parser's
    """Return what the options select. Raises UsageError for an empty or unknown value, and a time that cannot be."""
    since_s, until_s = time_bounds(args, context.now_s, context.zone)
    return Selector(
        now_s=context.now_s,
        zone=context.zone,
        names=[_given("--id", name).strip() for name in args.id or ()],
        statuses=_chosen("--status", args.status, STATUSES),
        priorities=_chosen("--priority", args.priority, PRIORITIES),
        owners=[_given("--owner", name).strip() for name in args.owner or ()],
        since_s=since_s,
        until_s=until_s,
        stale_s=context.policy.kpi.stale_minutes * 60 if args.stale else None,
        text=None if args.search is None else _given("--search", args.search),
    )


def must_be_matched(selected: Selected, store: Store) -> None:
    """Raise RefusedError for ids and globs that no item has: what was meant is not there, and never everything is."""
    if selected.unmatched:
        raise unknown_item(visible(store.location), selected.unmatched, SEE_IDS, lambda: ids_of(store))


def time_bounds(args: Any, now_s: float, zone: Zone) -> tuple[float | None, float | None]:  # noqa: ANN401 - as above
    """Return the times of `--since` and `--until` in epoch seconds. Raises UsageError for what is none or cannot be."""
    since_s = _time("--since", args.since, now_s, zone)
    until_s = _time("--until", args.until, now_s, zone)
    if since_s is not None and since_s > now_s:
        raise UsageError(f"--since {args.since!a}: lies in the future: nothing can have changed since then")
    if since_s is not None and until_s is not None and since_s > until_s:
        raise UsageError(f"--since {args.since!a} is later than --until {args.until!a}: nothing lies between")
    return since_s, until_s


def _time(option: str, word: str | None, now_s: float, zone: Zone) -> float | None:
    if word is None:
        return None
    time_s = moment(_given(option, word).strip(), now_s, zone)
    if time_s is None:
        raise UsageError(f"{option} {word!a}: expected {TIMES}")
    return time_s


def _chosen(option: str, words: Iterable[str] | None, allowed: Sequence[str]) -> list[str]:
    """Return the values in a list of words, each of them one or several with commas, in any case."""
    parts = [part.strip() for word in words or () for part in word.split(",")]
    for part in parts:
        if not part.isascii() or part.upper() not in allowed:
            meant = did_you_mean(part, allowed)
            raise UsageError(f"{option} {part!a}: expected some of {', '.join(allowed)}{meant}")
    return [part.upper() for part in parts]


def _given(option: str, value: str) -> str:
    """Return the value of an option. Raises UsageError for one that is blank, or no text."""
    if not value.strip():
        raise UsageError(f"{option}: expected a value, found nothing: leave the option out to select any")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{option} {value!a}: is not UTF-8") from None
    return value
