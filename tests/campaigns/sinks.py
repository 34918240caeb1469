"""Sinks: every Unicode code point, and hostile strings, are only ever text wherever text goes out.

Each pass sends every code point (the first pass in their order, the others shuffled) and every hostile
string through the queue itself (notes into a Markdown cell and into the database, and back) and
through the lines and reports that the commands print, on a terminal and in a log of GitHub's runner.
The readers are in `sink_readers` and `format_readers`; a pass ends with hostile strings joined at
random in every format.
"""

from __future__ import annotations

import io
import os
import random
import re
import sqlite3
import tempfile
from contextlib import chdir, closing, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from ops_checks import cli
from ops_checks.formats import FORMATS
from tests.campaigns.common import Tally
from tests.campaigns.operation import Operation
from tests.campaigns.sink_readers import runner_commands, table_rows, terminal_lines, unescaped
from tests.format_readers import READERS
from tests.report_samples import HOSTILE, hostile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.campaigns.common import Outcome

SMALL = 1
LONG = 8

_CHUNK = 1 << 14
_JOINED = 40  # joined hostile strings a pass, in every format
#: Commands that print text of the queue, and how many lines they print of it.
COMMANDS = (
    ("status",),
    ("workers",),
    ("--db", "queue.db", "status"),
    ("--db", "queue.db", "workers"),
    ("consistency-check",),
    ("consistency-check", "--fields", "all", "--max-details", "0"),
    ("kpi",),
    ("check",),
    ("check", "-f", "text", "--color", "always"),
    ("check", "-f", "markdown"),
    ("check", "-f", "junit"),
    ("check", "-f", "openmetrics"),
    ("check", "-f", "json"),
    ("cancel", "--id", "TEXT"),
    ("retry", "--id", "DB-1", "--actor", "TEXT", "--dry-run"),
    ("--queue", "TEXT", "status"),
    ("--db", "TEXT", "status"),
    ("kpi", "--log-path", "TEXT"),
    ("--policy", "TEXT", "check"),
    ("check", "--fields", "TEXT"),
    ("TEXT",),
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
    """Make `size` passes; `code_points` counts characters that went through all sinks, `texts` what they came in."""
    tally = Tally()
    for number in range(size):
        chance = random.Random(number)
        for text in texts(chance if number else None):
            tally.count("texts")
            tally.count("code_points", len(text))
            tally.failures += [f"{_named(text)}: {problem}" for problem in problems(text)]
        tally.failures += list(_joined(chance, tally))
        report(f"pass {number + 1} of {size}: {tally.figures['texts']} texts, {len(tally.failures)} failures")
    return tally.outcome({"code_points": 0x110000 - 0x800, "texts": len(HOSTILE)})


def texts(chance: random.Random | None) -> Iterator[str]:
    """Yield the hostile strings, and every code point that UTF-8 can hold, in chunks; shuffled if there is a chance."""
    yield from (text for text in (*HOSTILE, *MORE_HOSTILE) if text.strip() and _is_utf8(text))
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    if chance:
        chance.shuffle(codes)
    for start in range(0, len(codes), _CHUNK):
        yield "".join(map(chr, codes[start : start + _CHUNK]))


def problems(text: str) -> Iterator[str]:
    """Send one text through the queue and through every command; yield what is not only text."""
    with tempfile.TemporaryDirectory(prefix="sinks-") as name, chdir(name):
        yield from _queue(Path(name), text)
    with tempfile.TemporaryDirectory(prefix="sinks-") as name, chdir(name):
        yield from _printed(Path(name), text)


def _queue(folder: Path, text: str) -> Iterator[str]:
    """Write the text as notes into both queues, and read it back with other programs."""
    Operation().lay_down(folder)
    before = (folder / "QUEUE.md").read_bytes()
    rows = table_rows(before.decode())
    for where in (["--queue", "QUEUE.md"], ["--db", "queue.db"]):
        code, shown = command([*where, "replan", "--id", "ORCH-102", f"--notes=<{text}>"])
        if code or shown != "ORCH-102 -> BLOCKED\n":
            yield f"replan {where[0]}: exit code {code}: {shown!a:.200}"
            return
    notes = "picked | replan:<" + re.sub(r"\r\n|\r|\n", " ", text) + ">"
    after = (folder / "QUEUE.md").read_bytes()
    changed = [old for old, new in zip(before.split(b"\n"), after.split(b"\n"), strict=False) if old != new]
    if len(changed) != 1 or before.count(b"\n") != after.count(b"\n"):
        yield f"Markdown: {len(changed)} lines changed"
    wanted = [row if row[0] != "ORCH-102" else [row[0], "BLOCKED", *row[2:8], notes.replace("\0", "\ufffd")] for row in rows]
    if table_rows(after.decode()) != wanted:
        yield f"Markdown: another parser reads {table_rows(after.decode())!a:.300}"
    with closing(sqlite3.connect("queue.db")) as connection:
        query = "SELECT notes, json_extract(payload_json, '$.notes') FROM queue_items, queue_events "
        (stored,) = connection.execute(query + "WHERE id = 'ORCH-102' AND event_type = 'replan'").fetchall()
    told = notes.removeprefix("picked | replan:")
    if stored[0] != notes or stored[1] not in {told, told.partition("\0")[0]}:  # json_extract ends a text at a NUL
        yield f"database: {stored!a:.200}"
    code, shown = command(["consistency-check", "--fields", "all"])
    if (code, shown) != (0, "consistency ok total=5\n"):
        yield f"the queues do not agree: {shown!a:.300}"


def _printed(folder: Path, text: str) -> Iterator[str]:
    """Put the text where commands print it from, and read what they print."""
    cell = "<" + re.sub(r"[\r\n]", " ", text) + ">"
    operation = Operation()
    for name in ("owner_session", "task", "started_at_kst"):
        operation.both("ORCH-102", name, cell)
    operation.cell("db", "ORCH-102", "notes", cell)
    operation.cell("db", "ORCH-102", "task", cell + text)
    operation.cell("db", "DB-1", "id", cell)
    operation.runs[-1]["item_id"] = cell
    operation.runs[-1]["command"] = "fail"
    operation.policy = "{queue: QUEUE.md, db: queue.db, log: runs.jsonl, kpi: {thresholds: {failure_rate: 0}}}"
    operation.lay_down(folder)
    for argv in COMMANDS:
        if "TEXT" in argv and "\0" in text:
            continue  # no argument of a process can hold it
        filled = [text.replace("\0", "") if word == "TEXT" else word for word in argv]
        _, shown = command(filled)
        yield from (f"{' '.join(argv)}: {problem}" for problem in _on_a_terminal(argv, shown, cell))
        _, logged = command(filled, GITHUB_ACTIONS="true")
        found = runner_commands(_ordinary(argv, logged))
        if found:
            yield f"{' '.join(argv)}: the runner would obey {found}"


def _ordinary(argv: tuple[str, ...], logged: str) -> str:
    """Return a log without the annotations that are ours: by default, `check` gives them on GitHub."""
    if argv != ("check",):
        return logged
    ours = re.compile(r"::(?:error|warning|notice) (?:file=[^,:]+,line=\d+,col=\d+,)?title=ops-checks[^:]*::")
    return "\n".join(line for line in logged.split("\n") if not ours.match(line))


def _on_a_terminal(argv: tuple[str, ...], shown: str, cell: str) -> Iterator[str]:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown) if "always" in argv else shown
    try:
        lines = terminal_lines(plain)
    except ValueError as error:
        yield str(error)
        return
    if argv in {("status",), ("workers",)} and not any(unescaped(cell) in line for line in lines):
        yield f"the text is not shown: {lines!a:.300}"
    if any(line.startswith("Traceback") for line in lines):
        yield "a traceback"


def command(argv: list[str], **environ: str) -> tuple[int, str]:
    """Run a command; return its exit code, and all it printed, errors last."""
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ, environ, clear=True), redirect_stdout(out), redirect_stderr(err):
        code = cli.main(argv)
    return code, out.getvalue() + err.getvalue()


def _joined(chance: random.Random, tally: Tally) -> Iterator[str]:
    """Join hostile strings at random: in every format they change nothing but texts."""
    shapes = {name: READERS[name](FORMATS[name].render(hostile("x"))).shape for name in FORMATS}
    for _ in range(_JOINED):
        text = "x" + "".join(chance.choices((*HOSTILE, *MORE_HOSTILE), k=3))
        tally.count("joined")
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
