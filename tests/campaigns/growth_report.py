"""Hostile shapes of a saved report, read back and shown in a format (`report FILE -f FORMAT`)."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from ops_checks.findings import Verdict
from ops_checks.formats import FORMATS
from ops_checks.report.serialize import to_json
from tests.campaigns.growth_shape import Shape, filled, numbered, put
from tests.report_samples import MISMATCH, report, rule

if TYPE_CHECKING:
    from collections.abc import Callable

_SAVED: dict[str, Any] = to_json(report(rule("field-mismatch", Verdict.FAIL, MISMATCH, message="m")))


def _show(name: str = "text") -> list[str]:
    return ["report", "report.json", "-f", name]


def _saved(size: int, change: Callable[[dict[str, Any], int], object]) -> None:
    """Write the saved report after a change, which is told how many bytes to add."""
    saved = json.loads(json.dumps(_SAVED))
    change(saved, size)
    put("report.json", json.dumps(saved).encode())


def _findings(saved: dict[str, Any], size: int, **cells: object) -> None:
    finding = saved["rules"][0]["findings"][0]
    count = max(1, size // len(json.dumps(finding | cells)))
    saved["rules"][0]["findings"] = [finding | cells | {"item": f"A-{number}"} for number in range(count)]


def _rules(saved: dict[str, Any], size: int) -> None:
    saved["rules"] *= max(1, size // len(json.dumps(saved["rules"])))


def _messages(saved: dict[str, Any], size: int, key: str, text: str) -> None:
    saved[key] = [f"{text} {number}" for number in range(size // (len(text) + 10))]


def _texts(saved: dict[str, Any], size: int, text: str) -> None:
    saved["rules"][0]["message"] = text * max(1, size // len(json.dumps(text)))
    saved["rules"][0]["findings"][0]["message"] = saved["rules"][0]["message"][: size // 4]


def _raw(size: int, pattern: bytes, start: bytes = b"", end: bytes = b"") -> None:
    put("report.json", start, filled(size, pattern), end)


def _of(pattern: bytes, start: bytes = b"", end: bytes = b"") -> Shape:
    return Shape(partial(_raw, pattern=pattern, start=start, end=end), _show(), 3)


def _broken(size: int) -> None:
    """Write findings each of which lacks something: every one is an error."""
    _saved(size, lambda saved, more: saved["rules"][0].update(findings=[{}] * (more // 3)))


SHAPES: dict[str, Shape] = {
    **{f"findings as {name}": Shape(partial(_saved, change=_findings), _show(name), 0) for name in FORMATS},
    **{
        f"long texts as {name}": Shape(partial(_saved, change=partial(_texts, text="`a|<&[x](y) www.")), _show(name), 0)
        for name in FORMATS
    },
    "rules": Shape(partial(_saved, change=_rules), _show(), 0),
    "rules as junit": Shape(partial(_saved, change=_rules), _show("junit"), 0),
    "rules as openmetrics": Shape(partial(_saved, change=_rules), _show("openmetrics"), 0),
    "rules as sarif": Shape(partial(_saved, change=_rules), _show("sarif"), 0),
    "errors": Shape(partial(_saved, change=partial(_messages, key="errors", text="e")), _show(), 0),
    "notes of a report": Shape(partial(_saved, change=partial(_messages, key="notes", text="n")), _show("markdown"), 0),
    "long words": Shape(partial(_saved, change=partial(_texts, text="a")), _show("markdown"), 0),
    "texts of controls": Shape(partial(_saved, change=partial(_texts, text="\x1b")), _show(), 0),
    "texts of line breaks": Shape(partial(_saved, change=partial(_texts, text="\n")), _show("github"), 0),
    "waived findings": Shape(partial(_saved, change=partial(_findings, suppressed="s")), _show("markdown"), 0),
    "findings with nothing": Shape(_broken, _show(), 3),
    "a report of brackets": _of(b"["),
    "a report of objects": _of(b'{"a":'),
    "a report of quotes": _of(b'"', b"["),
    "a report of escapes": _of(b'\\"', b'["', b"\n"),
    "a report of digits": _of(b"1", b"[", b"]"),
    "a report of numbers": _of(b"1,", b"[", b"1]"),
    "a report of NaN": _of(b'"a",', b"[", b"NaN]"),
    "a report of blanks": _of(b" ", b"", b"x"),
    "a report of keys": Shape(
        lambda size: put("report.json", b"{", numbered(size, '"k%d":1,'), b'"k0":2}'), _show(), 3
    ),
    "a report of keys, the last twice": Shape(
        lambda size: put("report.json", b"{", numbered(size, '"k%d":1,'), b'"k":1,"k":2}'), _show(), 3
    ),
    "a report of equal keys": _of(b'"k":1,', b"{", b'"k":2}'),
    "a report that is not UTF-8": _of(b"\n", b"", b"\xff"),
    "a report of unknown fields": Shape(
        partial(_saved, change=lambda saved, size: saved.update({f"x{n}": n for n in range(size // 14)})), _show(), 0
    ),
}
