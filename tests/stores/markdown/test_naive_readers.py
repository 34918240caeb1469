"""Programs that share the document split rows at every pipe: what we write never adds one (FORMATS section 1)."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest
from builders import DELIMITER, HEAD

from ops_checks.cli import main
from ops_checks.model import FIELDS, STATUSES

if TYPE_CHECKING:
    from pathlib import Path

#: How many mutations one document goes through. A campaign sets more.
MUTATIONS = int(os.environ.get("OPS_CHECKS_MUTATIONS", "150"))
TEXTS = [
    "",
    "-",
    "한국어 (a); 1) b",
    "C:\\temp\\",
    "`x`",
    "a / b",
    "\\",
    "*a* _b_ <b> &amp;",
    "#1",
    "x" * 300,
    "…\u3000y",
]


def naive_rows(content: bytes) -> list[list[str]]:
    """Return the rows of a document as a program reads them that knows no escapes; shares no code with the package."""
    rows = []
    for line in content.decode().splitlines():
        if "|" not in line or set(line) <= set("|-: "):
            continue
        cells = line.strip()
        cells = cells.removeprefix("|").removesuffix("|")
        rows.append([cell.strip() for cell in cells.split("|")])
    assert rows[0] == list(FIELDS)
    return rows[1:]


def written_row(number: int, chance: random.Random) -> str:
    """Return a row as some person or program may write it: with pipes around it or not, aligned or not."""
    texts = [chance.choice(TEXTS[2:]) for _ in range(2)]
    cells = [f"A-{number}", chance.choice(STATUSES), "P1", *texts, "s1", "2026-01-01 10:00", "-", chance.choice(TEXTS)]
    blank = " " * chance.choice((1, 1, 3))
    if chance.random() < 0.3:
        return f"{blank}|{blank}".join(cells[:-1]) + f" | {cells[-1] or 'x'}"
    return f"|{blank}" + f"{blank}|{blank}".join(cells) + f"{blank}|"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_we_write_is_read_by_who_knows_no_escapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    """After every mutation each row has its nine cells to such a program, and no other row has changed."""
    chance = random.Random(len(ending))
    path = tmp_path / "Q.md"
    path.write_bytes(
        ending.join(["# Q", "", HEAD, DELIMITER, *(written_row(n, chance) for n in range(8)), ""]).encode()
    )
    made = 0
    for _ in range(MUTATIONS):
        before = naive_rows(path.read_bytes())
        number = chance.randrange(8)
        command = chance.choice(["cancel", "retry", "replan"])
        notes = ["--notes", chance.choice([text for text in TEXTS if text.strip()])] if command == "replan" else []
        code = main(["--queue", str(path), command, "--id", f"A-{number}", *notes])
        after = naive_rows(path.read_bytes())
        assert code in (0, 5)
        assert [len(row) for row in after] == [9] * 8
        assert [row for at, row in enumerate(after) if at != number] == [
            row for at, row in enumerate(before) if at != number
        ]
        changed = [name for name, old, new in zip(FIELDS, before[number], after[number], strict=True) if old != new]
        assert set(changed) <= {"status", "owner_session", "started_at_kst", "notes"}
        again = command == "cancel" and before[number][1] == "BLOCKED" and not changed
        assert bool(changed) is (code == 0) or again
        assert after[number][8].startswith(before[number][8])
        made += code == 0
    assert made > MUTATIONS // 3
    assert "pipe" not in capsys.readouterr().err


def test_a_pipe_that_a_person_gives_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is written escaped, and a note on stderr says who will refuse the row."""
    path = tmp_path / "Q.md"
    path.write_text("\n".join([HEAD, DELIMITER, written_row(1, random.Random(1)), ""]))
    assert main(["--queue", str(path), "replan", "--id", "A-1", "--notes", "a | b"]) == 0
    assert "replan:a \\| b" in path.read_text()
    assert len(naive_rows(path.read_bytes())[0]) == 10
    assert "note: " in (told := capsys.readouterr().err)
    assert "programs that split rows at every pipe will refuse this row" in told
