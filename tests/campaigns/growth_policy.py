"""Hostile shapes of the policy: small by its own limit, so that each takes a fortieth of the bytes."""

from __future__ import annotations

from functools import partial

from tests.campaigns.growth_database import database_rows
from tests.campaigns.growth_shape import CHECK, Shape, filled, numbered, put

_SHARE = 40
_POLICY = ["policy", "check"]
_WAIVER = "  - {rule: missing-in-md, item: A-%d, owner: o, reason: r, expires: '2026-12-31'}\n"


def _policy(size: int, pattern: bytes, start: bytes = b"", end: bytes = b"") -> None:
    put("ops-checks.yaml", start, filled(size, pattern), end)


def _numbered(size: int, pattern: str, start: bytes = b"") -> None:
    put("ops-checks.yaml", start, numbered(size, pattern))


def _waivers(size: int, pattern: str) -> None:
    """Write waivers for many findings: the database has a row that the document lacks for each byte asked for."""
    put("ops-checks.yaml", b"waivers:\n", numbered(min(size // 20, 90_000), pattern))
    database_rows(size)


def _of(pattern: bytes, start: bytes = b"", end: bytes = b"", code: int = 4) -> Shape:
    return Shape(partial(_policy, pattern=pattern, start=start, end=end), _POLICY, code, _SHARE)


def _misspelled(start: bytes, pattern: str) -> Shape:
    """Return a policy of words that are nearly right: a suggestion is looked for each of them."""
    return Shape(partial(_numbered, start=start, pattern=pattern), _POLICY, 4, _SHARE)


SHAPES: dict[str, Shape] = {
    "waivers of findings": Shape(partial(_waivers, pattern=_WAIVER), CHECK, 1),
    "waivers of other findings": Shape(partial(_waivers, pattern=_WAIVER.replace("A-", "B-")), CHECK, 1),
    "waivers of fields": Shape(partial(_waivers, pattern=_WAIVER.replace("owner", "field: task, owner")), CHECK, 1),
    "expired waivers": Shape(partial(_waivers, pattern=_WAIVER.replace("2026-12", "2025-12")), CHECK, 1),
    "a policy of comments": Shape(partial(_policy, start=b"kpi: {}\n", pattern=b"# a comment\n"), _POLICY, 0, 11),
    "a policy of one comment": Shape(partial(_policy, pattern=b"#", end=b"\nkpi: {}\n"), _POLICY, 0, 11),
    "a policy of blank lines": _of(b"\n", b"kpi:\n", b"  {}\n", 0),
    "a policy of blanks": _of(b" ", b"kpi: ", b"{}\n", 0),
    # The parser looks up to 1,024 characters ahead, so that only longer ones can be compared.
    "a policy of deep lists": Shape(partial(_policy, start=b"queue: ", pattern=b"["), _POLICY, 4, 7),
    "a policy of deep blocks": _of(b"- "),
    "a policy of deep mappings": _of(b"{a: "),
    "a policy of indented keys": Shape(
        lambda size: put("ops-checks.yaml", "".join(" " * n + "a:\n" for n in range(int((2 * size) ** 0.5))).encode()),
        _POLICY,
        4,
        _SHARE,
    ),
    "a policy of one text": _of(b"a", b"queue: '", b"'\n", 0),
    "a policy of words": _of(b"a ", b"queue: '", b"'\n", 0),
    "a policy of plain words": _of(b"a ", b"queue: ", b"\n", 0),
    "a policy of escapes": _of(b"\\u00e9", b'queue: "', b'"\n', 0),
    "a policy of a block of text": _of(b"  a\n", b"queue: |\n"),
    "a policy of folded text": _of(b"  a\n", b"queue: >-\n", b"", 0),
    "a policy of digits": _of(b"1", b"timezone: ", b"\n"),
    "a policy without an end": _of(b"a ", b"'"),
    "a policy of aliases": _of(b"*a,", b"log: [", b"x]\n"),
    "a policy of anchors": _of(b"&a x,", b"log: [", b"x]\n"),
    "a policy of tags": _of(b"!a x,", b"log: [", b"x]\n"),
    "a policy of logs": Shape(
        partial(_policy, start=b"log: [", pattern=b"x,", end=b"x]\n"), _POLICY, 4, _SHARE, small_code=0
    ),
    "a policy of logs in lines": Shape(
        partial(_policy, start=b"log:\n", pattern=b"  - x\n"), _POLICY, 4, _SHARE, small_code=0
    ),
    "a policy of duplicate keys": _of(b"queue: x\n"),
    "a policy of documents": _of(b"--- {}\n"),
    "a policy of directives": _of(b"%YAML 1.2\n"),
    "a policy of question marks": _of(b"? "),
    "a policy of colons": _of(b": "),
    "a policy of tabs": _of(b"\t", b"queue:"),
    "a policy of carriage returns": _of(b"\r", b"kpi:", b"  {}\n", 0),
    "unknown keys": _misspelled(b"", "k%d: 1\n"),
    "misspelled keys": _misspelled(b"", "queu%d: 1\n"),
    "misspelled metrics": _misspelled(b"kpi:\n  thresholds:\n", "    failure_rat%d: 1\n"),
    "misspelled limits": _misspelled(b"kpi:\n  thresholds:\n    failure_rate:\n", "      warn_ma%d: 1\n"),
    "misspelled statuses": _misspelled(b"consistency:\n  ignore_statuses:\n", "  - DON%d\n"),
    "misspelled fields": _misspelled(b"consistency:\n  fields:\n", "  - success_criteri%d\n"),
    "misspelled rules of waivers": _misspelled(
        b"waivers:\n", "  - {rule: missing-in-m%d, owner: o, reason: r, expires: '2026-12-31'}\n"
    ),
    "misspelled long words": _misspelled(b"kpi:\n  thresholds:\n", "    " + "stale_in_progress_" * 2 + "%d: 1\n"),
    "waivers without anything": _of(b"  - {}\n", b"waivers:\n"),
    "days that do not exist": _of(
        b"  - {rule: missing-in-md, owner: o, reason: r, expires: '2026-02-30'}\n", b"waivers:\n"
    ),
    "a policy beyond its size": Shape(partial(_policy, pattern=b"#\n", end=b"#" * 1_000_001), CHECK, 4),
}
