"""Show where two long texts differ: the words that do, marked, with what stands around them."""

from __future__ import annotations

#: Characters of a text that is shown whole, and of what stands before and after a difference.
LONG = 60
_AROUND = 24
_LONGEST_WORD = 24


def excerpts(left: str, right: str) -> tuple[str, str]:
    """Return two texts that differ as they are shown: whole if both are short, else `… most «50,000» rows a file`.

    What is marked begins and ends at a space, as far as words are short, and is whole; what is the same is cut.
    """
    if left == right or max(len(left), len(right)) <= LONG:
        return left, right
    begin, end = _same_ends(left, right)
    before, after = left[:begin], left[len(left) - end :]
    return _marked(before, left[begin : len(left) - end], after), _marked(
        before, right[begin : len(right) - end], after
    )


def _same_ends(left: str, right: str) -> tuple[int, int]:
    """Return how many characters are the same at the beginning and at the end, without the parts of a changed word."""
    least = min(len(left), len(right))
    begin = next((at for at in range(least) if left[at] != right[at]), least)
    end = next((at for at in range(least - begin) if left[-1 - at] != right[-1 - at]), least - begin)
    word = begin - left.rfind(" ", 0, begin) - 1
    begin -= word if word <= _LONGEST_WORD else 0
    tail = left[len(left) - end :]
    rest = tail.find(" ") if " " in tail else len(tail)
    return begin, end - (rest if rest <= _LONGEST_WORD else 0)


def _marked(before: str, middle: str, after: str) -> str:
    if len(before) > _AROUND:
        cut = before[-_AROUND:]
        before = "…" + (cut.partition(" ")[2] or cut)
    if len(after) > _AROUND:
        cut = after[:_AROUND]
        after = (cut.rpartition(" ")[0] or cut) + "…"
    return f"{before}«{middle}»{after}"
