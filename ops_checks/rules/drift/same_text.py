"""Whether Markdown reads the same in two texts of a cell (FORMATS section 1)."""

from __future__ import annotations

#: Longer texts are the same only if they are written the same way: reading them would take long.
MOST = 10_000


def same_text(left: str, right: str) -> bool:
    """Return whether Markdown reads the same in two texts of a cell; a pipe in them is a pipe already."""
    if left == right:
        return True
    escaped = any(mark in text for mark in "\\&`" for text in (left, right))
    if not escaped or max(len(left), len(right)) > MOST:
        return False
    from ops_checks.rules.drift.inline import as_read  # most queues hold no such text, and its patterns take a while

    return as_read(left) == as_read(right)
