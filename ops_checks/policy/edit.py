"""Set one value in a policy file and leave every other byte as it was: comments, order, quotes, line ends.

A round trip through a YAML library keeps comments but not every byte (indentation, line breaks,
a missing newline at the end), so the new value is put into the text itself. That the text then
means what was asked, and nothing else, is read back before anything is written.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ops_checks.atomic import replace_file
from ops_checks.errors import UsageError
from ops_checks.policy.check import dotted, problems
from ops_checks.policy.load import BOM, SHORT_FOR_MIN, read_text, refuse
from ops_checks.policy.yamltext import Document, read
from ops_checks.text import visible

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from ops_checks.policy.yamltext import Path, Spot

_INDENT = 2
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_LINE_END = re.compile(r"\r\n|\n|\r")
_NOTHING_WRITTEN = "; nothing was written"


class _Target(NamedTuple):
    """Where a value goes: into the place of an existing one, or as `new` keys below the existing one."""

    existing: Path
    new: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The whole path, as it will be."""
        return (*self.existing, *self.new)


def write(path: str, where: str, value: str) -> None:
    """Set a value in a policy file; see `ops_checks.policy.write_value`."""
    after, before, state = edited(path, where, value)
    if after != before:
        replace_file(path, after.encode("utf-8"), seen=state)


def edited(path: str, where: str, value: str) -> tuple[str, str, os.stat_result]:
    """Return the text of a policy file with one value set, the text before, and the file's state when it was read."""
    before, state = read_text(path)
    bom = BOM if before.startswith(BOM) else ""
    document = read(before.removeprefix(BOM))
    refuse(path, document, document.problems, _NOTHING_WRITTEN)  # what is not understood cannot be edited
    target = _target(path, document, where)
    return bom + _first_valid(path, document, target, value).text, before, state


def _first_valid(path: str, document: Document, target: _Target, value: str) -> Document:
    """Return the edited document: of all ways to write the value, the first that means it and makes a valid policy."""
    refused: Document | None = None
    for wanted, text in _ways_to_write(document, target, value):
        candidate = read(_spliced(path, document, target, text))
        if not candidate.problems and _same(candidate.value, _with_value(document.value, target.path, wanted)):
            if not problems(candidate):
                return candidate
            refused = refused or candidate
    if refused is not None:
        refuse(path, refused, problems(refused), _NOTHING_WRITTEN)
    where = dotted(target.path)
    raise UsageError(
        f"{visible(path)}: {where}: cannot be set to {visible(value)} here{_NOTHING_WRITTEN}; edit the file"
    )


def _target(path: str, document: Document, where: str) -> _Target:
    """Return where a dotted path leads. Raises UsageError if it leads nowhere."""
    parts = where.split(".")
    if not all(_WORD.fullmatch(part) for part in parts):
        raise UsageError(
            f"{visible(where)}: no path to a value; expected words such as kpi.thresholds.failure_rate.max"
        )
    node: Any = document.value
    existing: Path = ()
    for count, part in enumerate(parts):
        rest = tuple(parts[count:])
        if isinstance(node, list):
            index = int(part) if part.isascii() and part.isdigit() and len(part) < 10 else len(node)  # noqa: PLR2004
            if index >= len(node):
                message = f"has no entry {part} (they count from 0){_NOTHING_WRITTEN}; add it in the file"
                raise UsageError(f"{visible(path)}: {dotted(existing)}: {message}")
            node, existing = node[index], (*existing, index)
        elif isinstance(node, dict) and part in node:
            node, existing = node[part], (*existing, part)
        elif isinstance(node, dict) or node is None:
            return _Target(existing, rest)
        elif _is_short_for(existing, rest):
            break
        else:
            message = f"is a single value, without {part} below it{_NOTHING_WRITTEN}; set {dotted(existing)} itself"
            raise UsageError(f"{visible(path)}: {dotted(existing)}: {message}")
    return _Target(existing, ())


def _is_short_for(existing: Path, rest: tuple[str, ...]) -> bool:
    """Tell whether a bare value (`failure_rate: 0.2`) is short for the limit that is meant."""
    return existing[:2] == ("kpi", "thresholds") and rest == ("min" if existing[-1] in SHORT_FOR_MIN else "max",)


def _ways_to_write(document: Document, target: _Target, value: str) -> Iterator[tuple[object, str]]:
    """Yield a value as it may be meant, each with a text that may stand for it.

    First as YAML means it, if it is more than text; then as text: what stands in quotes, or all of
    it, in the quotes that the replaced text had if they can hold it.
    """
    typed = read(value)
    spot = typed.spots.get(())
    quoted = spot is not None and spot.form == "quoted" and spot.end == len(value.rstrip())
    if not typed.problems and not isinstance(typed.value, str) and not _LINE_END.search(value):
        yield typed.value, value.strip()
    text = str(typed.value) if quoted and not typed.problems else value
    in_quotes = {"'": "'" + text.replace("'", "''") + "'", '"': json.dumps(text, ensure_ascii=False)}
    as_before = in_quotes.get(_text_of(document, target)[:1], text)
    for way in dict.fromkeys((as_before, text, *in_quotes.values())):
        yield text, way


def _text_of(document: Document, target: _Target) -> str:
    spot = document.spots[target.existing]
    return "" if target.new else document.text[spot.start : spot.end]


def _spliced(path: str, document: Document, target: _Target, text: str) -> str:
    """Return the text with a value's text put in, everything else as it was."""
    whole, spot = document.text, document.spots[target.existing]
    if not target.new:
        if spot.form in ("lines", "block"):
            where = f"{visible(path)}:{document.place(spot.start)[0]}: {dotted(target.existing)}"
            raise UsageError(f"{where}: spans several lines{_NOTHING_WRITTEN}; edit it in the file")
        return _put(whole, spot, text)
    if spot.form == "flow":
        return _added_in_line(document, target, spot, text)
    if spot.form == "block":
        return _added_below(whole, spot.end, _column(whole, _first_key(document, target.existing)), target.new, text)
    in_line = any(document.spots[target.existing[:count]].form == "flow" for count in range(len(target.existing)))
    if in_line or spot.start < spot.end:  # an explicit null, or a place where only one line can be
        return _put(whole, spot, "{" + _nested_in_line(target.new, text) + "}")
    return _added_below(whole, spot.end, _column(whole, spot.key) + _INDENT, target.new, text)


def _put(whole: str, spot: Spot, text: str) -> str:
    space = " " if spot.start == spot.end else ""  # a value that was left out stands right behind the colon
    return whole[: spot.start] + space + text + whole[spot.end :]


def _added_in_line(document: Document, target: _Target, spot: Spot, text: str) -> str:
    whole = document.text
    inner = [document.spots[path].end for path in document.spots if path[:-1] == target.existing and path]
    position, comma = (max(inner), ", ") if inner else (spot.start + 1, "")
    return whole[:position] + comma + _nested_in_line(target.new, text) + whole[position:]


def _nested_in_line(keys: tuple[str, ...], text: str) -> str:
    return ": {".join(keys) + ": " + text + "}" * (len(keys) - 1)


def _added_below(whole: str, position: int, column: int, keys: tuple[str, ...], text: str) -> str:
    """Return the text with keys on lines of their own, below the line of a position, the first at a column from 0."""
    any_end = _LINE_END.search(whole)
    newline = any_end.group() if any_end else "\n"
    lines = [" " * (column + _INDENT * depth) + key + ":" for depth, key in enumerate(keys)]
    lines[-1] += f" {text}"
    added = newline.join(lines)
    content_end = len(whole[:position].rstrip())
    line_end = _LINE_END.search(whole, content_end)
    if line_end is None:  # the file does not end in a newline, and need not
        return whole + newline + added
    return whole[: line_end.end()] + added + newline + whole[line_end.end() :]


def _first_key(document: Document, path: Path) -> int:
    return min(spot.key for inner, spot in document.spots.items() if inner and inner[:-1] == path)


def _column(whole: str, position: int) -> int:
    before = whole[:position]
    return position - max(before.rfind("\n"), before.rfind("\r")) - 1


def _with_value(tree: object, path: Path, wanted: object) -> object:
    """Return the value of a document with the wanted one set at a path; mappings that lack a key get it last."""
    if not path:
        return wanted
    part, rest = path[0], path[1:]
    if isinstance(tree, list):
        return [_with_value(item, rest, wanted) if index == part else item for index, item in enumerate(tree)]
    mapping = tree if isinstance(tree, dict) else {}
    return {**mapping, part: _with_value(mapping.get(part), rest, wanted)}


def _same(left: object, right: object) -> bool:
    """Compare values and their types and order: `1`, `1.0` and `true` are three things here."""
    return json.dumps(left) == json.dumps(right)
