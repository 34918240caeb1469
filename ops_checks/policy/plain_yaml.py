"""Read the plain part of YAML that usual policies are written in, without the parser, whose import takes longer.

It decides nothing: whatever it does not wholly understand is left to `ops_checks.policy.yaml_reader`, and what it
reads, that reads as the same values at the same places. Understood are block mappings and lists of words, numbers and
texts on one line, lists and mappings of words in one pair of brackets, and comments.
"""

from __future__ import annotations

from ops_checks.policy.document import MAX_CONTENT, MAX_DEPTH, MAX_VALUES, Offsets, YamlDocument
from ops_checks.policy.scalars import UNKNOWN, plain_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.policy.document import Path

_LONGEST_KEY = 100
#: What plain text may begin with, beside letters and digits.
_BEGINNINGS = "./_+"
#: What a word between brackets consists of, beside letters and digits.
_IN_WORDS = str.maketrans("", "", "._/+*-%")


def read_plain(text: str) -> YamlDocument | None:
    """Return the document in a text if it is plain, with the offsets of its values; None for any other text."""
    if not text.replace("\n", "").isprintable():
        return None
    document = YamlDocument(text)
    try:
        document.value = _PlainReader(document).read()
    except _NotPlainError:
        return None
    return document


class _NotPlainError(Exception):
    """The text is not plain: it may be YAML all the same, or no YAML at all."""


class _PlainReader:
    """Build one document from its lines, which are those that are neither blank nor comments."""

    def __init__(self, document: YamlDocument) -> None:
        self._offsets = document.offsets
        self._lines: list[tuple[int, int, str]] = []  # offset of the first character, indent, the rest
        self._at = 0
        offset = comments = 0
        for line in document.text.split("\n"):
            content = line.strip(" ")
            if content[:1] == "#":
                comments += len(line)
            elif content:
                indent = len(line) - len(line.lstrip(" "))
                self._lines.append((offset + indent, indent, content))
            offset += len(line) + 1
        self._content = len(document.text) - comments

    def read(self) -> object:
        """Return the value of the document. Raises _NotPlainError."""
        if not self._lines or self._content > MAX_CONTENT:
            raise _NotPlainError
        value = self._block((), 0, self._lines[0][0])
        if self._at < len(self._lines):
            raise _NotPlainError
        return value

    def _block(self, path: Path, indent: int, key: int) -> object:
        """Return the mapping or list that begins on the next line, with that indent; `key` is its key's offset."""
        offset, _, content = self._lines[self._at]
        if len(path) >= MAX_DEPTH:
            raise _NotPlainError
        if content.startswith("- "):
            self._place(path, offset, key)
            return self._sequence(path, indent)
        if not _is_entry(content):
            raise _NotPlainError
        self._place(path, offset, key)
        return self._mapping(path, indent)

    def _mapping(self, path: Path, indent: int) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while self._at < len(self._lines):
            offset, own, content = self._lines[self._at]
            if own != indent or content.startswith("- "):
                break
            name, _, rest = content.partition(":")
            if not _is_entry(content) or name in mapping:
                raise _NotPlainError
            self._at += 1
            inner, begins = (*path, name), rest.lstrip(" ")
            if begins and begins[0] != "#":
                mapping[name] = self._value(inner, begins, offset + len(content) - len(begins), offset)
            else:
                mapping[name] = self._nested(inner, indent, offset)
        return mapping

    def _nested(self, path: Path, indent: int, key: int) -> object:
        """Return the block below a key. Raises _NotPlainError where there is none: the value is omitted."""
        _, own, content = self._lines[self._at] if self._at < len(self._lines) else (0, -1, "")
        if own > indent or (own == indent and content.startswith("- ")):
            return self._block(path, own, key)
        raise _NotPlainError

    def _sequence(self, path: Path, indent: int) -> list[object]:
        sequence: list[object] = []
        while self._at < len(self._lines):
            offset, own, content = self._lines[self._at]
            if own != indent or not content.startswith("- "):
                break
            begins = content[1:].lstrip(" ")
            inner, width = (*path, len(sequence)), len(content) - len(begins)
            if _is_entry(begins):
                self._lines[self._at] = (offset + width, indent + width, begins)
                sequence.append(self._block(inner, indent + width, offset + width))
            else:
                self._at += 1
                sequence.append(self._value(inner, begins, offset + width, offset + width))
        return sequence

    def _value(self, path: Path, text: str, offset: int, key: int) -> object:
        """Return the value that the rest of a line begins with; nothing but a comment may be behind it."""
        self._place(path, offset, key)
        if text[0] in "\"'":
            return _quoted(text)
        if text[0] in "[{":
            end = text.find("]" if text[0] == "[" else "}")
            _must_be_idle(text, end)
            parts = text[1:end].split(",")
            return self._words(path, parts, offset + 1) if text[0] == "[" else self._pairs(path, parts, offset + 1)
        return _plain(text)

    def _words(self, path: Path, parts: list[str], offset: int) -> list[object]:
        """Return the words of a list in brackets, which begin at an offset."""
        words: list[object] = []
        for part in parts:
            begins = offset + len(part) - len(part.lstrip(" "))
            self._place((*path, len(words)), begins, begins)
            words.append(_word(part.strip(" ")))
            offset += len(part) + 1
        return words

    def _pairs(self, path: Path, parts: list[str], offset: int) -> dict[str, object]:
        """Return the words of a mapping in brackets, which begin at an offset."""
        pairs: dict[str, object] = {}
        for part in parts:
            content = part.strip(" ")
            name, _, rest = content.partition(":")
            if not _is_entry(content) or name in pairs:
                raise _NotPlainError
            key = offset + len(part) - len(part.lstrip(" "))
            self._place((*path, name), key + len(content) - len(rest.lstrip(" ")), key)
            pairs[name] = _word(rest.lstrip(" "))
            offset += len(part) + 1
        return pairs

    def _place(self, path: Path, offset: int, key: int) -> None:
        self._offsets[path] = Offsets(offset, key)
        if len(self._offsets) > MAX_VALUES:
            raise _NotPlainError


def _is_entry(content: str) -> bool:
    """Return whether a line's content begins with a plain key and its colon."""
    name, colon, rest = content.partition(":")
    bare = name.replace("_", "").replace("-", "")
    return bool(colon) and rest[:1] in ("", " ") and bare.isalnum() and name[0].isalpha() and len(name) <= _LONGEST_KEY


def _plain(text: str) -> object:
    """Return the value of plain text that ends with the line, or before a comment."""
    plain = text.partition(" #")[0].rstrip(" ")
    begins = plain[0].isalnum() or plain[0] in _BEGINNINGS or (plain[0] == "-" and plain[1:2].isalnum())
    if not begins or ": " in plain or plain[-1] == ":":
        raise _NotPlainError
    return _known(plain)


def _word(text: str) -> object:
    """Return the value of a word between brackets, in quotes or without."""
    if text[:1] in ("'", '"') and len(text) > 1 and text[0] == text[-1]:
        return _quoted(text)
    if not text[:1].isalnum() or not text.translate(_IN_WORDS).isalnum():
        raise _NotPlainError
    return _known(text)


def _known(plain: str) -> object:
    """Return what a plain scalar is: nothing that is left out, nor a number that is none."""
    value = plain_value(plain)
    if value is None or value is UNKNOWN:
        raise _NotPlainError
    return value


def _quoted(text: str) -> str:
    """Return the text between the first two quotes, of which none is escaped."""
    end = text.find(text[0], 1)
    _must_be_idle(text, end)
    if "\\" in text[:end]:
        raise _NotPlainError
    return text[1:end]


def _must_be_idle(text: str, end: int) -> None:
    """Raise _NotPlainError unless a text has an end, and nothing but a comment behind it."""
    behind = text[end + 1 :]
    if end < 0 or not (not behind.strip(" ") or (behind[0] == " " and behind.lstrip(" ")[0] == "#")):
        raise _NotPlainError
