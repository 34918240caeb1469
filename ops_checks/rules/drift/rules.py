"""The drift rules: what each finds in a pair of rows, and everything a report shows of it. The one table of them."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.findings import CONSISTENCY
from ops_checks.model import FIELDS
from ops_checks.rules.counting import counting_rule
from ops_checks.rules.drift.pair import Difference
from ops_checks.rules.drift.same_text import same_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ops_checks.rules.drift.pair import Pair
    from ops_checks.rules.rule import Rule

    #: The fields to compare, each with its position in an item, and what makes its text comparable.
    Fields = Sequence[tuple[str, int, Callable[[str, str], str]]]
    #: From a pair of rows that are not equal, and the fields to compare, to what is out about it.
    Find = Callable[[Pair, Fields], Iterator[Difference]]

#: Notes are left out: older tools could not escape a pipe (FORMATS section 1).
DEFAULT_FIELDS = tuple(name for name in FIELDS if name not in {"id", "notes"})


class DriftCheck(NamedTuple):
    """A drift rule, and how it finds its differences. `Comparison` runs every check on every pair that differs."""

    rule: Rule
    find: Find


def _missing_in_db(pair: Pair, _fields: Fields) -> Iterator[Difference]:
    if pair.md and not pair.db:
        item_id = pair.md.item.id
        yield Difference(item_id, f"{item_id} is not in the database", (pair.md,))


def _missing_in_md(pair: Pair, _fields: Fields) -> Iterator[Difference]:
    if pair.db and not pair.md:
        item_id = pair.db.item.id
        yield Difference(item_id, f"{item_id} is not in the Markdown queue", (pair.db,))


def _field_mismatch(pair: Pair, fields: Fields) -> Iterator[Difference]:
    if not (pair.md and pair.db):
        return
    md, db = pair.md.item, pair.db.item
    for field, index, normal in fields:
        left, right = md[index], db[index]
        if left != right and not same_text(normal(field, left), normal(field, right)):
            message = f"{md.id} {field}: md={left} db={right}"
            yield Difference(md.id, message, (pair.md, pair.db), field, left, right)


def _rule(
    *,
    id: str,  # noqa: A002 - the rule's own word
    title: str,
    help: str,  # noqa: A002 - the rule's own word
    counted: str,
    summary: str,
    word: str = "",
    of_view: bool = False,
) -> Rule:
    """Return a drift rule. `counted` is what its message counts; the other words are those of `Rule`."""
    return counting_rule(
        id=id,
        group=CONSISTENCY.id,
        title=title,
        help=help,
        counted=counted,
        samples=attrgetter("compared"),
        empty="there is nothing to compare: both queues are empty, or hold only items whose status is ignored",
        of_view=of_view,
        word=word,
        summary=summary,
        examples=("warning",),
    )


#: What every help says of how to go on.
_NEXT = (
    "`ops-checks drift` tells which side moved since the last `ops-checks baseline`, and `ops-checks reconcile plan` "
    "what goes over."
)

#: The rules on two sides, in the order of the summary line of `consistency-check`.
DRIFT_CHECKS = (
    DriftCheck(
        _rule(
            id="missing-in-db",
            word="missing_in_db",
            title="Items missing in the database",
            help=f"The Markdown queue has an item that the database lacks. {_NEXT}",
            counted="items of the Markdown queue that the database lacks",
            summary="An item of the Markdown queue that the database lacks.",
        ),
        _missing_in_db,
    ),
    DriftCheck(
        _rule(
            id="missing-in-md",
            word="missing_in_md",
            title="Items missing in the Markdown queue",
            help=f"The database has an item that the Markdown queue lacks. {_NEXT}",
            counted="items of the database that the Markdown queue lacks",
            summary="An item of the database that the Markdown queue lacks.",
        ),
        _missing_in_md,
    ),
    DriftCheck(
        _rule(
            id="field-mismatch",
            word="mismatch",
            title="Fields that differ",
            help=f"An item has different values on both sides. {_NEXT}",
            counted="fields that differ between the queues",
            summary="An item that differs between the two in a compared field.",
        ),
        _field_mismatch,
    ),
)

#: What counts here instead of there: a difference that was made in a document that is a view (`source_of_truth: db`).
VIEW_EDITED = _rule(
    id="view-edited",
    title="Edits of the view",
    help="The database is the source of truth, and the document, its view, was changed since both agreed. Change the "
    "database with --db instead. `ops-checks reconcile plan --prefer ID=md` carries the edit over to the database; "
    "`ops-checks render --prefer ID=db` brings the view back, and the edit is gone (a row that was added stays).",
    counted="edits of the view",
    summary="With `source_of_truth: db`, a change of the document that the database did not make.",
    of_view=True,
)

#: Every drift rule, in the order of a report.
DRIFT_RULES = (*(check.rule for check in DRIFT_CHECKS), VIEW_EDITED)
