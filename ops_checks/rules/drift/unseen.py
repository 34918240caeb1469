"""Values and ids that look equal and are not; what tells them apart is imported only where there is drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ops_checks.findings import Finding


def unseen_difference(md: str, db: str) -> str | None:
    """Return how two values differ that look equal, None for others. See `stores.lookalikes.difference`."""
    from ops_checks.stores.lookalikes import difference

    return difference(md, db)


def explain_ids(only_md: list[Finding], only_db: list[Finding]) -> None:
    """Add to findings of items that one side lacks the reason where the other has an id that looks equal."""
    if all((finding.item or "").isascii() for finding in (*only_md, *only_db)):
        return
    from ops_checks.stores.lookalikes import appearance, difference

    places = {appearance(finding.item or ""): at for at, finding in enumerate(only_db)}
    for number, finding in enumerate(only_md):
        at = places.get(appearance(finding.item or ""))
        reason = None if at is None else difference(finding.item or "", only_db[at].item or "")
        if at is not None and reason:
            only_md[number] = finding._replace(reason=f"the database has an id like it: {reason}")
            only_db[at] = only_db[at]._replace(reason=f"Markdown has an id like it: {reason}")
