"""Merge the notes of an item, which both sides only append to (RECONCILE section 6)."""

from __future__ import annotations

import re

from ops_checks.model import DB_NOTES_SEPARATOR, MD_NOTES_SEPARATOR

_SEPARATOR = re.compile(r" [|/] ")


def parts(notes: str) -> list[str]:
    """Return the parts of notes, the older first, in either store's way of joining them."""
    return [part for part in _SEPARATOR.split(notes.strip()) if part]


def for_document(notes: str) -> str:
    """Return notes of the database as the document joins them: other programs split its rows at every pipe."""
    return notes.replace(DB_NOTES_SEPARATOR, MD_NOTES_SEPARATOR)


def appended(base: str, notes: str) -> bool:
    """Return whether notes are those of the base with parts behind them."""
    old = parts(base)
    return parts(notes)[: len(old)] == old


def common(md: str, db: str) -> str:
    """Return the leading parts that both notes share, as the base of two that were never agreed (rule B7)."""
    shared: list[str] = []
    for left, right in zip(parts(md), parts(db), strict=False):
        if left != right:
            break
        shared.append(left)
    return DB_NOTES_SEPARATOR.join(shared)


def merged(base: str, md: str, db: str) -> tuple[str, str] | None:
    """Return the notes for document and database: the base's, then the database's new parts, then the document's.

    None if one side did not only append: then a person decides.
    """
    if not (appended(base, md) and appended(base, db)):
        return None
    known = parts(db)
    all_parts = known + [part for part in parts(md)[len(parts(base)) :] if part not in known[len(parts(base)) :]]
    return MD_NOTES_SEPARATOR.join(all_parts), DB_NOTES_SEPARATOR.join(all_parts)
