"""YAML text → plain values with their places, as YAML 1.2's core schema means them, and nothing beyond (SAFETY).

ruamel.yaml does the parsing; the values are built here from its events, because what a policy
must not hold (aliases, tags, deep nesting, a second document) is then met before it costs
anything, and every value and every complaint keeps its place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct, field
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

from ops_checks.policy.scalars import UNKNOWN, plain_value
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ruamel.yaml.events import Event

#: Keys and list positions from the top of the document to a value.
Path = tuple[str | int, ...]

Form = Literal["plain", "quoted", "lines", "flow", "block"]

MAX_DEPTH = 50
#: So much YAML is read in about half a second; a policy with 900 waivers fits.
MAX_VALUES = 10_000
MAX_CONTENT = 300_000

_COLON = re.compile(r"[ \t]*:")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE = re.compile(r"\r\n|\n|\r")
_COMMENT_LINES = re.compile(r"^[ \t]*#.*$", re.MULTILINE)


class Spot(NamedTuple):
    """The position of a value in the text: from `start` to `end`, its `form`, and the start of its key.

    All are positions in the text, from 0. `lines` is a scalar as block of lines (`|`, `>`).
    """

    start: int
    end: int
    form: Form
    key: int


class Problem(NamedTuple):
    """Something wrong at a position in the text, at the value or key that `path` leads to."""

    position: int
    path: Path
    message: str


class YamlDocument(Struct):
    """One YAML document: its value, the place of every value in it, and what was wrong with it as YAML.

    `value` is UNKNOWN, whole or in part, where the text could not be understood.
    """

    text: str
    value: object = UNKNOWN
    spots: dict[Path, Spot] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)

    def place(self, position: int) -> tuple[int, int]:
        """Return line and column of a position, both from 1."""
        if not self._lines:
            self._lines = [0, *(match.end() for match in _LINE.finditer(self.text))]
        line = bisect_right(self._lines, position)
        return line, position - self._lines[line - 1] + 1


def read(text: str) -> YamlDocument:
    """Return the document in a text. Never raises: its `problems` hold what is wrong."""
    document = YamlDocument(text)
    content = len(_COMMENT_LINES.sub("", text))
    if content > MAX_CONTENT:
        document.problems.append(
            Problem(0, (), f"{content:,} characters apart from comments; at most {MAX_CONTENT:,} are read"),
        )
        return document
    _Reader(document).read()
    return document


class _StopError(Exception):
    """Nothing after this can be understood; the problem is noted."""


class _Reader:
    """Builds one document from the events of the parser."""

    def __init__(self, document: YamlDocument) -> None:
        self._document = document
        self._read_to = 0
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
            position = mark.index if mark else self._read_to
            self._note(position, (), f"no valid YAML: {_syntax_problem(error)}")
            self._document.value = UNKNOWN
        except ReaderError as error:
            self._note(error.position, (), f"no valid YAML: U+{error.character:04X} is not allowed in it")
            self._document.value = UNKNOWN
        except (YAMLError, ValueError, OverflowError):
            # The parser converts the digits of escapes and directives unchecked, and does not say where.
            self._note(
                self._read_to, (), "no valid YAML: behind this, an escape or a version with a number that cannot be"
            )
            self._document.value = UNKNOWN

    def _parse(self) -> Iterator[Event]:
        for event in YAML(typ="safe", pure=True).parse(self._document.text):
            self._read_to = event.end_mark.index
            yield event

    def _note(self, position: int, path: Path, message: str) -> None:
        self._document.problems.append(Problem(min(position, len(self._document.text)), path, message))

    def _read_documents(self) -> None:
        next(self._events)  # the stream's start
        event = next(self._events)
        if isinstance(event, StreamEndEvent):
            self._note(0, (), "empty; a policy is a mapping of settings, such as `queue: QUEUE.md`")
            return
        self._refuse_directives(event)
        self._document.value = self._value(next(self._events), ())
        next(self._events)  # the document's end
        event = next(self._events)
        if not isinstance(event, StreamEndEvent):
            self._note(event.start_mark.index, (), "a second document starts here; a policy is one")

    def _refuse_directives(self, event: Event) -> None:
        if isinstance(event, DocumentStartEvent) and (event.tags or event.version not in (None, (1, 2))):
            self._note(0, (), "a directive; a policy is plain YAML 1.2 without `%` lines")

    def _value(self, event: Event, path: Path, key: int = -1) -> object:
        """Return the value that starts with an event, all of its events read; note its place and what is wrong."""
        self._values += 1
        start = event.start_mark.index
        if self._values > MAX_VALUES:
            self._note(start, path, f"more than {MAX_VALUES:,} values; at most so many are read")
            raise _StopError
        if isinstance(event, AliasEvent):
            self._note(start, path, "an alias (`*`); write the value itself")
            return UNKNOWN
        if not isinstance(event, ScalarEvent | CollectionStartEvent):  # the parser keeps its grammar, so never
            raise _StopError
        self._refuse_marks(event, path)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path, key)
        if len(path) >= MAX_DEPTH:
            self._note(start, path, f"nested deeper than {MAX_DEPTH} levels")
            raise _StopError
        return self._collection(event, path, key)

    def _refuse_marks(self, event: ScalarEvent | CollectionStartEvent, path: Path) -> None:
        if event.anchor is not None:
            self._note(event.start_mark.index, path, "an anchor (`&`); policies have no aliases")
        if event.tag is not None:
            self._note(event.start_mark.index, path, "a tag (`!`); policies have plain values only")

    def _scalar(self, event: ScalarEvent, path: Path, key: int) -> object:
        start, end = event.start_mark.index, event.end_mark.index
        form: Form = "lines" if event.style in ("|", ">") else "quoted" if event.style else "plain"
        self._document.spots[path] = Spot(start, end, form, start if key < 0 else key)
        if _SURROGATE.search(event.value):
            self._note(start, path, "half of a surrogate pair; write the character itself or as `\\U` and 8 digits")
            return UNKNOWN
        if form != "plain":
            return event.value
        value = plain_value(event.value)
        if value is UNKNOWN:
            self._note(start, path, f"{short(event.value)} is no finite number; numbers go up to 1e308")
        return value

    def _collection(self, event: CollectionStartEvent, path: Path, key: int) -> object:
        start = event.start_mark.index
        before = len(self._document.spots)
        read = self._mapping if isinstance(event, MappingStartEvent) else self._sequence
        value, closed = read(path)
        if event.flow_style:
            spot = Spot(start, closed, "flow", start if key < 0 else key)
        else:  # the parser ends a block where the next thing starts; a person, with its last value
            inner = list(self._document.spots.values())[before:]
            spot = Spot(start, max((spot.end for spot in inner), default=start), "block", start if key < 0 else key)
        self._document.spots[path] = spot
        return value

    def _mapping(self, path: Path) -> tuple[dict[str, object], int]:
        """Return the mapping and where its end was met."""
        mapping: dict[str, object] = {}
        lines: dict[str, int] = {}
        for event in self._events:
            start = event.start_mark.index
            if isinstance(event, MappingEndEvent):
                return mapping, event.end_mark.index
            name = self._key(event, path)
            if name is None:
                self._value(next(self._events), (*path, "?"))
                continue
            inner = (*path, name)
            if name in mapping:
                self._note(start, inner, f"a duplicate key; it is already on line {lines[name]}")
                inner = (*inner, "duplicate")
            value = self._value(next(self._events), inner, start)
            self._place_of_nothing(inner, event)
            mapping.setdefault(name, value)
            lines.setdefault(name, self._document.place(start)[0])
        raise _StopError

    def _sequence(self, path: Path) -> tuple[list[object], int]:
        """Return the sequence and where its end was met."""
        sequence: list[object] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                return sequence, event.end_mark.index
            sequence.append(self._value(event, (*path, len(sequence))))
        raise _StopError

    def _key(self, event: Event, path: Path) -> str | None:
        """Return a key as text, whatever value it would be elsewhere (all keys of a policy are words); else None."""
        if isinstance(event, ScalarEvent):
            self._refuse_marks(event, path)
            return str(event.value)
        self._note(event.start_mark.index, path, "a key that is no plain word")
        self._value(event, (*path, "?"))
        return None

    def _place_of_nothing(self, path: Path, key: Event) -> None:
        """Locate a value that was left out behind its colon; the parser locates it at the next key."""
        spot = self._document.spots.get(path)
        if spot and spot.form == "plain" and spot.start == spot.end:
            end = key.end_mark.index
            colon = _COLON.match(self._document.text, end)
            behind = colon.end() if colon else end
            self._document.spots[path] = Spot(behind, behind, "plain", spot.key)


def _syntax_problem(error: MarkedYAMLError) -> str:
    """Return the parser's message on one line: its context, and what it found."""
    parts = (part for part in (error.problem, error.context) if part)
    return short(", ".join(" ".join(str(part).split()) for part in parts), most=200)


def short(text: str, most: int = 40) -> str:
    """Return a text on one line, every control character visible, cut after `most` characters."""
    shown = visible(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
