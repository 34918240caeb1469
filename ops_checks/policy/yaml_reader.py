"""Read YAML text as plain values with their positions, by YAML 1.2's core schema and nothing beyond (SAFETY).

ruamel.yaml parses; the values are built here from its events, so that what a policy may not contain (aliases,
tags, deep nesting, a second document) is rejected before it costs anything, and every value and every problem
keeps its position.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from ops_checks.policy.document import MAX_CONTENT, MAX_DEPTH, MAX_VALUES, Offsets, Problem, YamlDocument
from ops_checks.policy.scalars import UNKNOWN, plain_value
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ruamel.yaml.events import Event

    from ops_checks.policy.document import Path

_COLON = re.compile(r"[ \t]*:")
_SURROGATE = re.compile("[\ud800-\udfff]")
_COMMENT_LINES = re.compile(r"(?:^|(?<=\r))[ \t]*#[^\r\n]*", re.MULTILINE)
#: The parser ends a comment at them, and a value not: what looks like a comment would be a setting.
_UNCLEAR_END = re.compile("[\x85\u2028\u2029]")


def read(text: str) -> YamlDocument:
    """Return the document in a text. Never raises: its `problems` list what is wrong."""
    document = YamlDocument(text)
    unclear = _UNCLEAR_END.search(text)
    if unclear:
        code = f"U+{ord(unclear[0]):04X}"
        document.problems.append(
            Problem(unclear.start(), (), f"{code} ends a line to some readers only; use a plain line end or an escape")
        )
        return document
    content = len(_COMMENT_LINES.sub("", text))
    if content > MAX_CONTENT:
        document.problems.append(
            Problem(0, (), f"{content:,} characters apart from comments; at most {MAX_CONTENT:,} are read"),
        )
        return document
    _Reader(document).read()
    return document


class _StopError(Exception):
    """Reading ends here: the problem is in the list, and nothing after it can be read."""


class _Reader:
    """Build one document from the events of the parser."""

    def __init__(self, document: YamlDocument) -> None:
        self._document = document
        self._parsed_to = 0
        self._events: Iterator[Event] = iter(())
        self._values = 0

    def read(self) -> None:
        try:
            self._events = self._parse()
            self._read_documents()
        except _StopError:
            return
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._add_problem(mark.index if mark else self._parsed_to, (), f"no valid YAML: {_syntax_problem(error)}")
            self._document.value = UNKNOWN
        except ReaderError as error:
            self._add_problem(error.position, (), f"no valid YAML: U+{error.character:04X} is not allowed in it")
            self._document.value = UNKNOWN
        except (YAMLError, ValueError, OverflowError):
            # The parser converts the digits of escapes and directives unchecked, and its error has no mark.
            self._add_problem(
                self._parsed_to, (), "no valid YAML: behind this, an escape or a version with a number that cannot be"
            )
            self._document.value = UNKNOWN

    def _parse(self) -> Iterator[Event]:
        for event in YAML(typ="safe", pure=True).parse(self._document.text):
            self._parsed_to = event.end_mark.index
            yield event

    def _add_problem(self, offset: int, path: Path, message: str) -> None:
        self._document.problems.append(Problem(min(offset, len(self._document.text)), path, message))

    def _read_documents(self) -> None:
        next(self._events)  # the stream's start
        event = next(self._events)
        if isinstance(event, StreamEndEvent):
            self._add_problem(0, (), "empty; a policy is a mapping of settings, such as `queue: QUEUE.md`")
            return
        self._reject_directives(event)
        self._document.value = self._value(next(self._events), ())
        next(self._events)  # the document's end
        event = next(self._events)
        if not isinstance(event, StreamEndEvent):
            self._add_problem(event.start_mark.index, (), "a second document starts here; a policy is one")

    def _reject_directives(self, event: Event) -> None:
        if isinstance(event, DocumentStartEvent) and (event.tags or event.version not in (None, (1, 2))):
            self._add_problem(0, (), "a directive; a policy is plain YAML 1.2 without `%` lines")

    def _value(self, event: Event, path: Path, key: int = -1) -> object:
        """Return the value that an event begins, and consume its events; add its offsets and its problems.

        UNKNOWN for what a policy may not contain. `key` is the offset of its key, -1 if it has none.
        """
        self._values += 1
        start = event.start_mark.index
        if self._values > MAX_VALUES:
            self._add_problem(start, path, f"more than {MAX_VALUES:,} values; at most so many are read")
            raise _StopError
        if isinstance(event, AliasEvent):
            self._add_problem(start, path, "an alias (`*`); write the value itself")
            return UNKNOWN
        if not isinstance(event, ScalarEvent | CollectionStartEvent):  # by the parser's grammar, never
            raise _StopError
        self._reject_properties(event, path)
        self._document.offsets[path] = Offsets(start, start if key < 0 else key)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path)
        if len(path) >= MAX_DEPTH:
            self._add_problem(start, path, f"nested deeper than {MAX_DEPTH} levels")
            raise _StopError
        return self._mapping(path) if isinstance(event, MappingStartEvent) else self._sequence(path)

    def _reject_properties(self, event: ScalarEvent | CollectionStartEvent, path: Path) -> None:
        if event.anchor is not None:
            self._add_problem(event.start_mark.index, path, "an anchor (`&`); policies have no aliases")
        if event.tag is not None:
            self._add_problem(event.start_mark.index, path, "a tag (`!`); policies have plain values only")

    def _scalar(self, event: ScalarEvent, path: Path) -> object:
        start = event.start_mark.index
        if _SURROGATE.search(event.value):
            self._add_problem(
                start, path, "half of a surrogate pair; write the character itself or as `\\U` and 8 digits"
            )
            return UNKNOWN
        if event.style:  # quoted, or a block of lines
            return event.value
        value = plain_value(event.value)
        if value is UNKNOWN:
            self._add_problem(start, path, f"{short(event.value)} is no finite number; numbers go up to 1e308")
        return value

    def _mapping(self, path: Path) -> dict[str, object]:
        mapping: dict[str, object] = {}
        lines: dict[str, int] = {}
        for event in self._events:
            start = event.start_mark.index
            if isinstance(event, MappingEndEvent):
                return mapping
            name = self._key(event, path)
            if name is None:
                self._value(next(self._events), (*path, "?"))
                continue
            inner = (*path, name)
            if name in mapping:
                self._add_problem(start, inner, f"a duplicate key; it is already on line {lines[name]}")
                inner = (*inner, "duplicate")
            first = next(self._events)
            value = self._value(first, inner, start)
            if _is_omitted(first):
                self._document.offsets[inner] = Offsets(self._behind_colon(event), start)
            mapping.setdefault(name, value)
            lines.setdefault(name, self._document.line_column(start)[0])
        raise _StopError

    def _sequence(self, path: Path) -> list[object]:
        sequence: list[object] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                return sequence
            sequence.append(self._value(event, (*path, len(sequence))))
        raise _StopError

    def _key(self, event: Event, path: Path) -> str | None:
        """Return a scalar key as text (each key of a policy is a word, so `1` and `true` are too), None for another."""
        if isinstance(event, ScalarEvent):
            self._reject_properties(event, path)
            return str(event.value)
        self._add_problem(event.start_mark.index, path, "a key that is no plain word")
        self._value(event, (*path, "?"))
        return None

    def _behind_colon(self, key: Event) -> int:
        """Return the offset behind a key's colon, for an omitted value: the parser locates that at the next key."""
        end = key.end_mark.index
        colon = _COLON.match(self._document.text, end)
        return colon.end() if colon else end


def _is_omitted(event: Event) -> bool:
    """Return whether a value is not written at all: a plain scalar without a character or a property of its own."""
    return isinstance(event, ScalarEvent) and not event.style and event.start_mark.index == event.end_mark.index


def _syntax_problem(error: MarkedYAMLError) -> str:
    """Return the parser's message on one line: its context, and what it found."""
    parts = (part for part in (error.problem, error.context) if part)
    return short(", ".join(" ".join(str(part).split()) for part in parts), most=200)


def short(text: str, most: int = 40) -> str:
    """Return a text on one line with control characters escaped, cut to at most `most` characters."""
    escaped = visible(text)
    return escaped if len(escaped) <= most else f"{escaped[: most - 1]}…"
