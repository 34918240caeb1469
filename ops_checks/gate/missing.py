"""What a missing input leaves to evaluate: said in its error, once for all rules that lack it (FORMATS section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import InputError, MissingError
from ops_checks.findings import QUEUE
from ops_checks.runlog.engines import is_log_url
from ops_checks.sanitize import visible
from ops_checks.stores.registry import is_there

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.gate.inputs import Evidence

    #: What reading gave, by group: its evidence, or why there is none.
    Outcomes = dict[str, Evidence | InputError]


def advised(context: Context, outcomes: Outcomes) -> Outcomes:
    """Return the outcomes with errors of missing inputs that say what works without them, or how to begin."""
    missing = {group: error for group, error in outcomes.items() if isinstance(error, MissingError)}
    nothing_here = context.snapshot is None and not any(map(_is_there, _inputs(context)))
    if missing and len(missing) == len(outcomes) and nothing_here:
        names = ", ".join(map(visible, _inputs(context)))
        return dict.fromkeys(
            outcomes,
            MissingError(
                f"nothing to evaluate, none of these is here: {names}: change to the project's folder, name them with "
                "--queue, --db and --log-path, or begin with `ops-checks init`"
            ),
        )
    works = [group for group, outcome in outcomes.items() if not isinstance(outcome, InputError)]
    if works:
        without = f"; `ops-checks check --only {works[0]}` does without it"
    elif QUEUE.id not in outcomes and is_there(context.queue) and not any(map(_is_there, _inputs(context)[1:])):
        against = (
            ", `--snapshot FILE` against what `ops-checks snapshot` wrote on the host of the database"
            if context.snapshot is None
            else ""
        )
        without = f"; `ops-checks check --only queue` checks the document alone{against}"
    else:
        return outcomes
    return outcomes | {group: InputError(error.message + without, error.details) for group, error in missing.items()}


def _inputs(context: Context) -> tuple[str, ...]:
    return (context.queue, context.db, *context.logs)


def _is_there(location: str) -> bool:
    return is_there(location) or is_log_url(location) or any(char in location for char in "*?[")
