"""Sinks: every Unicode code point, and hostile strings, are only ever text wherever text goes out.

Each pass sends every code point (the first pass in their order, the others shuffled) and every hostile
string through the queue itself (notes into a Markdown cell and into the database, and back) and
through the lines and reports that the commands print, on a terminal and in a log of GitHub's runner.
The readers are in `sink_readers` and `format_readers`; a pass ends with hostile strings joined at
random in every format.
"""

from __future__ import annotations

import io
import json
import os
import random
import re
import sqlite3
import tempfile
from contextlib import chdir, closing, redirect_stderr, redirect_stdout
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from ops_checks import cli
from ops_checks.formats import FORMATS
from tests.campaigns.common import Tally
from tests.campaigns.operation import Operation, ended
from tests.campaigns.sink_live import live_problems
from tests.campaigns.sink_readers import as_shown, runner_commands, table_rows, terminal_lines
from tests.format_readers import READERS
from tests.report_samples import HOSTILE, hostile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.campaigns.common import Outcome

SMALL = 0
LONG = 8

_PATHS = "{queue: QUEUE.md, db: queue.db, log: runs.jsonl, kpi: {thresholds: {failure_rate: 0}}}"
_CHUNK = 1 << 15
_ONE_OF = 8  # chunks, of those behind the first
_JOINED = 20  # joined hostile strings a pass, in every format
_LONGEST_ARGUMENT = 1 << 12
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OURS = re.compile(r"::(?:error|warning|notice) (?:file=[^,:]+,line=\d+,col=\d+,)?title=ops-checks[^:]*::")
#: Commands that print text of the inputs as lines.
LINES = (
    ("status",),
    ("workers",),
    ("list",),
    ("show", "T-0"),
    ("consistency-check", "--fields", "all", "--max-details", "0"),
    ("status", "-f", "json"),
)
#: Further commands, those that print reports among them: each format is held to every code point by its own tests.
REPORTS = (
    ("--db", "queue.db", "workers"),
    ("--db", "queue.db", "list"),
    ("--db", "queue.db", "list", "-f", "json"),
    ("--db", "queue.db", "list", "-f", "jsonl"),
    ("--db", "queue.db", "list", "-f", "csv"),
    ("--db", "queue.db", "list", "-f", "ids"),
    ("--db", "queue.db", "show", "T-0"),
    ("show", "T-0", "-f", "json"),
    ("kpi",),
    ("check",),
    ("check", "-f", "text", "--color", "always"),
    ("check", "-f", "markdown"),
    ("check", "-f", "junit"),
    ("check", "-f", "sarif"),
    ("check", "-f", "gitlab"),
    ("check", "-f", "openmetrics"),
    ("check", "-f", "html"),
    ("check", "-f", "json"),
    ("workers", "-f", "json"),
    ("cancel", "--id", "*", "--dry-run", "-f", "json"),
    ("--db", "queue.db", "cancel", "--id", "*", "--dry-run", "-f", "json"),
    ("wait", "--id", "T-0", "--for", "DONE", "--timeout", "0s", "-f", "json"),
    ("drift", "-f", "json"),
    ("baseline", "-f", "json"),
    ("cancel", "--id", "TEXT", "-f", "json"),
    ("cancel", "--id", "T-0", "--dry-run", "--notes", "TEXT", "-f", "json"),
    ("wait", "--id", "TEXT", "--for", "DONE", "--timeout", "0s", "-f", "json"),
    ("undo", "--operation", "TEXT", "-f", "json"),
    ("TEXT", "-f", "json"),
)
#: What a hostile text takes the place of in the words of a command.
_TEXT = "TEXT"
#: Commands that print their arguments, in an error or not.
COMMANDS_WITH_TEXT = (
    ("cancel", "--id", "TEXT"),
    ("--db", "queue.db", "cancel", "--id", "TEXT"),
    ("--db", "queue.db", "wait", "--id", "TEXT", "--for", "DONE", "--timeout", "0s"),
    ("--queue", "TEXT", "status"),
    ("--db", "TEXT", "status"),
    ("kpi", "--log-path", "TEXT"),
    ("--policy", "TEXT", "status"),
    ("list", "--id", "TEXT"),
    ("list", "--since", "TEXT"),
    ("list", "--status", "TEXT"),
    ("show", "TEXT"),
    ("report", "TEXT"),
    ("check", "--fields", "TEXT"),
    ("check", "-f", "TEXT"),
    ("TEXT",),
    ("status", "--queue", "TEXT", "-f", "json"),
)
#: More texts that only these places could mistake for something else.
MORE_HOSTILE = (
    "::stop-commands::x",
    " \u00a0\u3000::error::x",
    "\u2028::error::x\u0085::error::x",
    "x##[error]y##[group]z",
    "###[error]#[error]##\u200b[error]",
    "::: ::error::x",
    "a\\",
    "\\\\|\\|",
    "a | b | c",
    "--help",
    "%s %(x)s {x}",
    "\ufeffx",
    "x\u0301\u20dd",
    "ORCH-101",
    "-",
)


def run(size: int, report: Callable[[str], None]) -> Outcome:
    """Make `size` passes; `code_points` counts characters that went through all sinks, `texts` what they came in.

    Of size 0 is one pass with the characters of the first chunks, in which most of those with a meaning are, and of
    some of the others.
    """
    tally = Tally()
    for number in range(max(1, size)):
        chance = random.Random(number)
        tally.failures += problems(hostile_texts(), REPORTS)
        batch = chunks(chance if number else None)
        batch = batch if size else [*batch[:2], *batch[2::_ONE_OF]]
        tally.failures += problems(batch)
        tally.count("texts", len(hostile_texts()) + len(batch))
        tally.count("code_points", sum(map(len, batch)))
        tally.failures += joined(chance, _JOINED)
        tally.count("joined", _JOINED)
        report(f"pass {number + 1} of {max(1, size)}: {tally.figures['texts']} texts, {len(tally.failures)} failures")
    return tally.outcome({"code_points": 0x110000 - 0x800 if size else 5 * _CHUNK, "texts": len(HOSTILE)})


def hostile_texts() -> list[str]:
    """Return the hostile strings that UTF-8 can hold."""
    return [text for text in (*HOSTILE, *MORE_HOSTILE) if text.strip() and _is_utf8(text)]


def chunks(chance: random.Random | None = None) -> list[str]:
    """Return every code point that UTF-8 can hold, in chunks; shuffled if there is a chance."""
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    if chance:
        chance.shuffle(codes)
    return ["".join(map(chr, codes[start : start + _CHUNK])) for start in range(0, len(codes), _CHUNK)]


_PIPE_NOTE = (
    "note: QUEUE.md: the notes hold a pipe, written \\|: programs that split rows at every pipe will refuse this row\n"
)
_LARGE = "note: QUEUE.md: is large and was not compared: --both changes both at once\n"
_OTHER_SIDE = "note: queue.db: still says IN_PROGRESS for T-{}: --both changes both at once\n"


def problems(batch: list[str], more: tuple[tuple[str, ...], ...] = ()) -> list[str]:
    """Send texts through the queue, LINES, and `more` commands; return what is not only text."""
    with tempfile.TemporaryDirectory(prefix="sinks-") as name, chdir(name):
        found = list(_queue(Path(name), batch))
    with tempfile.TemporaryDirectory(prefix="sinks-") as name, chdir(name):
        return found + list(_printed(Path(name), batch, more))


def _operation(batch: list[str]) -> Operation:
    """Return an operation with one more item in progress for each text: `T-0`, `T-1` and so on."""
    operation = Operation(policy=_PATHS)
    for number in range(len(batch)):
        operation.add((f"T-{number}", "IN_PROGRESS", "P0", "task", "done", "s1", "2026-01-01 11:30", "-", "old"))
    return operation


def _queue(folder: Path, batch: list[str]) -> Iterator[str]:
    """Write the texts as notes into both queues, and read them back with other programs."""
    _operation(batch).lay_down(folder)
    before = (folder / "QUEUE.md").read_bytes()
    for where in (["--queue", "QUEUE.md"], ["--db", "queue.db"]):
        for number, text in enumerate(batch):
            code, shown = command([*where, "replan", "--id", f"T-{number}", f"--notes=<{text}>"])
            told = _PIPE_NOTE if "|" in text and where[0] == "--queue" else ""
            told += _OTHER_SIDE.format(number) if where[0] == "--queue" else ""
            if (code, shown.replace(_LARGE, "")) != (0, f"T-{number} -> BLOCKED\n{told}"):
                yield f"{_named(text)}: replan {where[0]}: exit code {code}: {shown!a:.200}"
    notes = {f"T-{number}": " ".join(f"<{text}>".splitlines()) for number, text in enumerate(batch)}
    after = (folder / "QUEUE.md").read_bytes()
    changed = sum(old != new for old, new in zip(before.split(b"\n"), after.split(b"\n"), strict=False))
    if changed != len(batch) or before.count(b"\n") != after.count(b"\n"):
        yield f"Markdown: {changed} lines changed, for {len(batch)} items"
    wanted = [_replanned(row, notes) for row in table_rows(before.decode())]
    for row, read in zip_longest(wanted, table_rows(after.decode())):
        if row != read:
            yield f"Markdown: another parser reads {read!a:.300}"
    yield from _in_database(notes)
    code, shown = command(["consistency-check", "--fields", "all"])
    if (code, shown) != (0, f"consistency ok total={5 + len(batch)}\n"):
        yield f"the queues do not agree: {shown!a:.300}"


def _replanned(row: list[str], notes: dict[str, str]) -> list[str]:
    """Return a row as it must be now; other Markdown parsers show a NUL as U+FFFD."""
    if row[0] not in notes:
        return row
    return [row[0], "BLOCKED", *row[2:8], f"old / replan:{notes[row[0]]}".replace("\0", "\ufffd")]


def _in_database(notes: dict[str, str]) -> Iterator[str]:
    query = (
        "SELECT item_id, notes, payload_json FROM queue_events, queue_items ON id = item_id WHERE event_type = 'replan'"
    )
    with closing(sqlite3.connect("queue.db")) as connection:
        stored = {item: (text, json.loads(payload)["notes"]) for item, text, payload in connection.execute(query)}
    for item, note in notes.items():
        if stored.get(item) != (f"old | replan:{note}", note):
            yield f"database: {note!a:.99} is {stored.get(item)!a:.200}"


def _printed(folder: Path, batch: list[str], more: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    """Put the texts where commands print them from, and read what they print."""
    operation = _operation(batch)
    cells = ["<" + re.sub(r"[\r\n]", " ", text) + ">" for text in batch]
    for number, (text, cell) in enumerate(zip(batch, cells, strict=True)):
        operation.both(f"T-{number}", "owner_session", cell)
        operation.cell("db", f"T-{number}", "task", cell + text)
        operation.cell("db", f"T-{number}", "started_at_kst", cell[:99])
        operation.db.append({**operation.db[0], "id": cell})
        operation.runs += ended(100 + number, "fail", 1, item_id=cell)
    operation.lay_down(folder)
    plain = [argv for argv in (*LINES, *more) if _TEXT not in argv]
    for argv in plain:
        yield from _printed_by(argv, list(argv), cells)
    yield from live_problems(cells, ("QUEUE.md", "queue.db") if more else ("QUEUE.md",), everywhere=bool(more))
    for argv in (*COMMANDS_WITH_TEXT, *(argv for argv in more if _TEXT in argv)):
        for text in batch:
            given = text.replace("\0", "")[:_LONGEST_ARGUMENT]  # no argument of a process can hold a NUL
            yield from _printed_by(argv, [given if word == _TEXT else word for word in argv], ())


def _printed_by(argv: tuple[str, ...], filled: list[str], cells: Sequence[str]) -> Iterator[str]:
    name = " ".join(argv)
    _, logged = command(filled, GITHUB_ACTIONS="true")
    shown = logged if argv in LINES or (argv[-1] == "json" and argv[0] != "check") else command(filled)[1]
    yield from (f"{name}: {problem}" for problem in _on_a_terminal(argv, shown, cells))
    if argv[-1] == "json" and not shown.startswith("usage: "):
        yield from (f"{name}: {problem}" for problem in _in_json(argv, shown, cells))
    found = runner_commands(_ordinary(argv, logged))
    if found:
        yield f"{name}: the runner would obey {found}"


def _ordinary(argv: tuple[str, ...], logged: str) -> str:
    """Return a log without the annotations that are ours: by default, `check` gives them on GitHub."""
    if argv != ("check",):
        return logged
    return "\n".join(line for line in logged.split("\n") if not _OURS.match(line))


def _on_a_terminal(argv: tuple[str, ...], shown: str, cells: Sequence[str]) -> Iterator[str]:
    if "csv" in argv:  # RFC 4180 ends its lines so
        shown = shown.replace("\r\n", "\n")
    try:
        lines = terminal_lines(_COLOUR.sub("", shown) if "always" in argv else shown)
    except ValueError as error:
        yield str(error)
        return
    if argv == ("workers",):
        owners = {line.rpartition(" tasks=")[0] for line in lines}
        yield from (f"{cell!a:.99} is not shown" for cell in cells if f"- {_broken(cell.strip())}" not in owners)
    if any(line.startswith("Traceback") for line in lines):
        yield "a traceback"


def _in_json(argv: tuple[str, ...], shown: str, cells: Sequence[str]) -> Iterator[str]:
    """Yield what a reader of JSON does not get back: the document, and each owner that it is about."""
    try:
        data, end = json.JSONDecoder().raw_decode(shown)
    except ValueError as error:
        yield f"no document: {error}: {shown!a:.200}"
        return
    if shown[end : end + 2].lstrip("\n").startswith("{"):
        yield "more than one document"
    owners = set(_texts(data))
    if argv[0] in ("status", "workers"):
        yield from (f"{cell!a:.99} is not in the document" for cell in cells if cell.strip() not in owners)


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _broken(text: str) -> str:
    """Return a text as a log of GitHub's shows it: with a space in what the runner would obey."""
    return as_shown(text.replace("##[", "## ["))


def command(argv: list[str], **environ: str) -> tuple[int, str]:
    """Run a command; return its exit code, and all it printed, errors last."""
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ, environ, clear=True), redirect_stdout(out), redirect_stderr(err):
        code = cli.main(argv)
    return code, out.getvalue() + err.getvalue()


def joined(chance: random.Random, times: int) -> Iterator[str]:
    """Join hostile strings at random: in every format they change nothing but texts."""
    shapes = {name: READERS[name](FORMATS[name].render(hostile("\u00c4 x"))).shape for name in FORMATS}
    for _ in range(times):
        text = "\u00c4 x" + "".join(chance.choices((*HOSTILE, *MORE_HOSTILE), k=3))
        for name, one in FORMATS.items():
            try:
                same = READERS[name](one.render(hostile(text))).shape == shapes[name]
            except (AssertionError, ValueError) as error:
                yield f"{name}: {text!a}: {error!a:.200}"
            else:
                if not same:
                    yield f"{name}: {text!a} changes more than texts"


def _is_utf8(text: str) -> bool:
    return not any(0xD800 <= ord(char) < 0xE000 for char in text)


def _named(text: str) -> str:
    return ascii(text) if len(text) < 80 else f"{len(text)} characters from U+{ord(text[0]):04X}"
