"""Lines that something between the writer and us has wrapped or rewritten: one row for each (FORMATS sections 1, 3).

The runtime of containers, the system's log, rotation and converters each leave lines of their own kind, and none of
them is mended at the writer. A reader asks only for malformed lines, and only for those that it tells.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ops_checks.files.contents import CONFLICT_MARKS, explain
from ops_checks.runlog.log_file import LOG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: So much of a line is looked at: a line may have 16 MB.
_MOST_BYTES = 1 << 16


class Foreign(NamedTuple):
    """What a malformed line is, and what to do; in the advice FILE stands for the log."""

    reason: str
    advice: str


def recognize(line: bytes) -> Foreign | None:
    """Return what a malformed line is and what to do, None if it is of no known kind. Its text is not quoted."""
    found = next((foreign for kind in _KINDS if (foreign := kind(line[:_MOST_BYTES]))), None)
    if found is not None:
        return found
    content = explain(line, LOG)
    return Foreign(*content.split(": ", 1)) if content else None


def _nuls(line: bytes) -> Foreign | None:
    rest = line.lstrip(b"\0")
    if rest is line or len(line) - len(rest) < 2 or rest.startswith(b"GITCRYPT"):  # noqa: PLR2004 - one may be anything
        return None
    return NULS


#: A block of NUL bytes. What is written behind it is whole; the records cut off were copied before.
NULS = Foreign(
    "begins with a block of NUL bytes, as rotation with copytruncate leaves it under a writer that does not append",
    "open the log for appending (O_APPEND, mode `a`) in its writer; the lines behind the block are whole: "
    r"`tr -d '\000' < FILE > NEW` keeps them all",
)


def _unmerged(line: bytes) -> Foreign | None:
    if line.startswith(tuple(mark.encode() for mark in CONFLICT_MARKS)):
        return Foreign(
            "a mark of a merge conflict that is not resolved", "resolve the merge: keep the lines of both sides"
        )
    return None


def _wrapped(line: bytes) -> Foreign | None:
    """Return the words for a JSON object that has the record in one of its values."""
    outer = _object(line)
    if outer is None or "event" in outer:
        return None
    for name, keys, advice in _WRAPPERS:
        if keys <= outer.keys():
            return Foreign(name, advice)
    return next(_holders(outer), None)


#: Who wraps records, the keys by which it is recognized, and how to unpack them. Docker splits lines of more than
#: 16 KB, which only joining puts together again: every line that is whole has its own line break in `.log`.
_WRAPPERS = (
    (
        "wrapped by Docker's json-file log driver",
        {"log", "stream", "time"},
        "unpack `.log` (`jq -j .log FILE > NEW`) and name that",
    ),
    (
        "wrapped by the systemd journal (JSON export)",
        {"MESSAGE", "__REALTIME_TIMESTAMP"},
        "export with `journalctl -o cat`, or unpack `.MESSAGE` (`jq -r .MESSAGE FILE > NEW`), and name that",
    ),
)


def _holders(outer: Mapping[str, Any]) -> Iterator[Foreign]:
    for key, value in outer.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,30}", key):
            continue
        inner = _object(value.encode("utf-8", "replace")) if isinstance(value, str) else value
        if isinstance(inner, dict) and "event" in inner:
            option = "-c" if inner is value else "-j" if value.endswith("\n") else "-r"
            yield Foreign(
                f"wrapped: the record is in `.{key}`", f"unpack it (`jq {option} .{key} FILE > NEW`) and name that"
            )


def _cri(line: bytes) -> Foreign | None:
    if not re.match(rb"\d{4}-\d\d-\d\dT\S+ (stdout|stderr) [FP]( |$)", line):
        return None
    return Foreign(
        "in the format of a Kubernetes node's container log (CRI)",
        'unpack it (`awk \'{p=$3; sub(/^[^ ]+ [^ ]+ [FP] /, ""); printf "%s%s", $0, p == "P" ? "" : "\\n"}\' '
        "FILE > NEW`) and name that",
    )


def _colored(line: bytes) -> Foreign | None:
    if b"\x1b[" not in line:
        return None
    return Foreign(
        "coloured for a terminal",
        r"write it without colours; `perl -pe 's/\e\[[0-9;]*[A-Za-z]//g' FILE > NEW` takes them out",
    )


def _prefixed(line: bytes) -> Foreign | None:
    """Return the words for a record behind a prefix: of syslog, of `docker compose logs`, of a logging library."""
    at = line.find(b"{")
    if at <= 0 or not line[:at].strip() or b'"' in line[:at] or not _is_record(line[at:]):
        return None
    return Foreign(
        "a record behind a prefix, as syslog and logging libraries write one",
        "take the prefix off (`sed 's/^[^{]*//' FILE > NEW`) and name that",
    )


def _array(line: bytes) -> Foreign | None:
    text = line.strip()
    if text != b"[" and not text.replace(b" ", b"").startswith(b"[{"):
        return None
    return Foreign("a JSON array", "write one object a line (`jq -c '.[]' FILE > NEW`) and name that")


def _pretty(line: bytes) -> Foreign | None:
    if line.strip() != b"{":
        return None
    return Foreign("JSON spread over several lines", "write one object a line (`jq -c . FILE > NEW`) and name that")


def _several(line: bytes) -> Foreign | None:
    text = line.decode("utf-8", "replace").strip()
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if not text[end:].lstrip(" ,").startswith("{"):
        return None
    return Foreign(
        "more than one record on a line",
        "write each record and its line break in one write, appending; `jq -c . FILE > NEW` parts whole ones",
    )


def _bom(line: bytes) -> Foreign | None:
    if not line.startswith(b"\xef\xbb\xbf") or not _is_record(line[3:]):
        return None
    return Foreign(
        "a record behind a byte order mark, as joining files leaves it",
        r"join without marks (`perl -pe 's/^\xef\xbb\xbf//' FILE > NEW` takes them out)",
    )


def _with_comma(line: bytes) -> Foreign | None:
    text = line.strip()
    if not text.endswith(b",") or not _is_record(text[:-1]):
        return None
    return Foreign(
        "a record with a comma behind it, as in an array", "take the commas off (`sed 's/,[[:space:]]*$//' FILE > NEW`)"
    )


def _interleaved(line: bytes) -> Foreign | None:
    if len(re.findall(rb'\{\s*"event"\s*:', line)) < 2 or _object(line) is not None:  # noqa: PLR2004 - more than one
        return None
    return Foreign(
        "records of two writers that ran into each other",
        "have each writer append a record and its line break in one write (O_APPEND), then set the line aside",
    )


def _python(line: bytes) -> Foreign | None:
    if not line.startswith((b"{'", b"{\"'")):
        return None
    return Foreign("the text of a Python dictionary, not JSON", "write it with json.dumps")


def _columns(line: bytes) -> Foreign | None:
    words = {word.strip(b' "\r\n') for word in re.split(b"[,;\t]", line)}
    if not {b"event", b"command"} <= words:
        return None
    return Foreign(
        "the header of a CSV file",
        "write one JSON object a line (`mlr --icsv --ojsonl cat FILE > NEW`, and `--itsv` where tabs part the columns)",
    )


def _pairs(line: bytes) -> Foreign | None:
    if not re.search(rb"(^|\s)event=\"?run_(start|end)", line):
        return None
    return Foreign("pairs of `key=value`, not JSON", "write one JSON object a line")


def _journal(line: bytes) -> Foreign | None:
    if not line.startswith(b"__CURSOR="):
        return None
    return Foreign("the journal's own export format", "export with `journalctl -o cat`")


#: Every kind that is known, the surer ones first.
_KINDS: tuple[Callable[[bytes], Foreign | None], ...] = (
    _nuls,
    _unmerged,
    _wrapped,
    _cri,
    _colored,
    _bom,
    _prefixed,
    _array,
    _pretty,
    _several,
    _with_comma,
    _interleaved,
    _python,
    _columns,
    _pairs,
    _journal,
)


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_record(text: bytes) -> bool:
    return "event" in (_object(text) or {})
