"""Merge the notes of an item, which both sides only append to (RECONCILE section 6)."""

from __future__ import annotations

import re

from ops_checks.model import DB_NOTES_SEPARATOR, MD_NOTES_SEPARATOR

_SEPARATOR = re.compile(r" [|/] ")


def parts(notes: str) -> list[str]:
    """Return the parts of notes, the older first, in either store's way of joining them."""
    return [part for part in _SEPARATOR.split(notes.strip()) if part]


def _as_compared(parts_of_notes: list[str]) -> list[str]:
    return [part.replace("|", "/") for part in parts_of_notes]


def for_document(notes: str) -> str:
    """Return notes of the database as the document joins them: other programs split its rows at every pipe."""
    return notes.replace(DB_NOTES_SEPARATOR, MD_NOTES_SEPARATOR)


def appended(base: str, notes: str) -> bool:
    """Return whether notes are those of the base with parts behind them."""
    old = _as_compared(parts(base))
    return _as_compared(parts(notes))[: len(old)] == old


def common(md: str, db: str) -> str:
    """Return the leading parts that both notes share, as the base of two that were never agreed (rule B7)."""
    shared: list[str] = []
    for left, right in zip(parts(md), parts(db), strict=False):
        if _as_compared([left]) != _as_compared([right]):
            break
        shared.append(left)
    return DB_NOTES_SEPARATOR.join(shared)


def merged(base: str, md: str, db: str) -> tuple[str, str] | None:
    """Return the notes for document and database: the base's, then the database's new parts, then the document's.

    What was there stays as each side writes it: older tools cannot read a row with a pipe in it. None if one side did
    not only append: then a person decides.
    """
    if not (appended(base, md) and appended(base, db)):
        return None
    count = len(parts(base))
    old, by_hand, known = parts(md)[:count], parts(md)[count:], parts(db)
    by_machines = known[count:]
    new = [part for part in by_hand if part.replace("|", "/") not in _as_compared(by_machines)]
    return MD_NOTES_SEPARATOR.join(old + by_machines + new), DB_NOTES_SEPARATOR.join(known + new)
