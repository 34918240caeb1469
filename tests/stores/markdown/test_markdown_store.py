"""The Markdown store: one line changes and nothing else (FORMATS section 1, SAFETY "Writing the Markdown queue")."""

from __future__ import annotations

import itertools
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest
from builders import DELIMITER, HEAD, digest, document, item, make_markdown, table
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.errors import ChangingError, InputError, OpsError, RefusedError, WriteError
from ops_checks.files import exchange
from ops_checks.files.git_index import GitIndex
from ops_checks.stores.registry import MARKDOWN
from ops_checks.transitions import Stamp, cancel, replan

if TYPE_CHECKING:
    from pathlib import Path

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Reliability
    from ops_checks.stores.protocol import Store

STAMP = Stamp(actor="tester", now_s=1_767_279_600, tz_minutes=540)
ROW = "| A-1 | PENDING | P0 | t | s | - | - | - |  |"


def write(path: Path, content: str | bytes) -> Store:
    """Write a document and return it as a queue."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return MARKDOWN.open(str(path), lock_timeout_s=0.2)


def items_of(queue: Store) -> list[Item]:
    """Return the items of a queue."""
    with queue.snapshot() as view:
        return [each for _, each in view.items()]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_a_change_is_one_line(tmp_path: Path, ending: str, bom: str, last: bool) -> None:  # noqa: FBT001 - a column
    """Line ends, BOM, spacing of other rows, and a missing last newline stay to the byte."""
    rows = ["|A-0|DONE|P0|  t\t|s|-|-|-|a \\| b|", ROW, "B-2 | DONE | P1 | t | s | - | - | - | n"]
    lines = [f"{bom}# Kü", "", "> | x |", "", HEAD, "|:-|-:|:-:|-|-|-|-|-|-----|", *rows]
    before = (ending.join(lines) + ending * last).encode()
    queue = write(tmp_path / "Q.md", before)
    queue.change("A-1", cancel(STAMP))
    edited = "| A-1 | BLOCKED | P0 | t | s | - | - | - | cancelled_by_operator |"
    assert (tmp_path / "Q.md").read_bytes() == before.replace(ROW.encode(), edited.encode())


def test_a_change_of_the_last_row_without_newline(tmp_path: Path) -> None:
    """The last row of a file without a last newline stays without one, and optional pipes stay away."""
    queue = write(tmp_path / "Q.md", f"{HEAD}\n{DELIMITER}\nA-1|PENDING|P0|t|s|-|-|-|n")
    queue.change("A-1", cancel(STAMP))
    assert (tmp_path / "Q.md").read_bytes().endswith(b"\nA-1|BLOCKED|P0|t|s|-|-|-|n / cancelled_by_operator")


def test_owner_and_start_are_given_back_in_place(tmp_path: Path) -> None:
    """A replan to PENDING writes `-` for owner and start, and keeps the due time and the spacing."""
    queue = write(
        tmp_path / "Q.md", table("| A-1 | BLOCKED | P0 | t | s | s1   |2026-01-01 10:00| 2026-01-02 10:00 | n |")
    )
    queue.change("A-1", replan(STAMP, "x"))
    expected = "| A-1 | PENDING | P0 | t | s | -   |-| 2026-01-02 10:00 | n / replan:x |"
    assert (tmp_path / "Q.md").read_text().splitlines()[2] == expected


def test_an_example_in_code_is_never_changed(tmp_path: Path) -> None:
    """The row of an example in a fence, also in a list item, is not the item."""
    example = "\n".join(f"   {line}" for line in (HEAD, DELIMITER, ROW.replace("A-1", "A-9")))
    before = f"1. Rows:\n2. ```md\n{example}\n   ```\n\n{table(ROW)}"
    queue = write(tmp_path / "Q.md", before)
    assert [each.id for each in items_of(queue)] == ["A-1"]
    with pytest.raises(RefusedError, match="no item A-9"):
        queue.change("A-9", cancel(STAMP))
    queue.change("A-1", cancel(STAMP))
    assert (tmp_path / "Q.md").read_text().startswith(before[: before.index("\n\n| id")])


def test_lines_end_only_where_markdown_ends_them(tmp_path: Path) -> None:
    """U+2028, U+0085, VT and FF inside a cell make no row, and the line numbers still hold."""
    odd = "| A-0 | DONE | P0 | a\u2028b\x85c\vd\fe | s | - | - | - | \u2028 |"
    queue = write(tmp_path / "Q.md", table(odd, ROW))
    queue.change("A-1", cancel(STAMP))
    lines = (tmp_path / "Q.md").read_bytes().decode().split("\n")
    assert lines[2] == odd
    assert lines[3].startswith("| A-1 | BLOCKED |")


def test_mode_and_symlink_stay(tmp_path: Path) -> None:
    """The file keeps its mode, a symlink stays a symlink, and the lock lies beside what it leads to."""
    (tmp_path / "real").mkdir()
    queue = write(tmp_path / "real" / "Q.md", table(ROW))
    (tmp_path / "real" / "Q.md").chmod(0o664)
    (tmp_path / "link.md").symlink_to("real/Q.md")
    MARKDOWN.open(str(tmp_path / "link.md"), lock_timeout_s=0.2).change("A-1", cancel(STAMP))
    assert (tmp_path / "link.md").is_symlink()
    assert stat.S_IMODE((tmp_path / "real" / "Q.md").stat().st_mode) == 0o664
    assert items_of(queue)[0].status == "BLOCKED"
    assert sorted(os.listdir(tmp_path)) == ["link.md", "real"]
    assert sorted(os.listdir(tmp_path / "real")) == ["Q.md", "Q.md.lock"]


def test_hard_links_are_refused(tmp_path: Path) -> None:
    """A file with several hard links is not written: only one of its names would change."""
    queue = write(tmp_path / "Q.md", table(ROW))
    os.link(tmp_path / "Q.md", tmp_path / "other.md")
    before = digest(tmp_path)
    with pytest.raises(WriteError, match="2 hard links"):
        queue.change("A-1", cancel(STAMP))
    assert digest(tmp_path) == before


def test_a_planted_lock_is_not_followed(tmp_path: Path) -> None:
    """A symlink where the lock should be is an error, and what it points to is not made."""
    queue = write(tmp_path / "Q.md", table(ROW))
    (tmp_path / "Q.md.lock").symlink_to(tmp_path / "planted")
    with pytest.raises(WriteError, match=r"Q\.md\.lock: the lock cannot be taken"):
        queue.change("A-1", cancel(STAMP))
    assert not (tmp_path / "planted").exists()


SAVES = ["in place", "by rename"]


def save(path: Path, content: str, how: str) -> None:
    """Write the document as an editor does that takes no lock."""
    target = path if how == "in place" else path.with_name("Q.md.new")
    target.write_text(content)
    target.rename(path)


@pytest.mark.parametrize("saves", SAVES)
@pytest.mark.parametrize("moment", ["while deciding", "before the exchange"])
def test_an_edit_of_somebody_without_the_lock_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saves: str, moment: str
) -> None:
    """A person's editor takes no lock: if it saves between our read and write, the change is made on what it saved."""
    queue = write(tmp_path / "Q.md", table(ROW))
    edits = iter([table(ROW.replace(" t ", " T "), ROW.replace("A-1", "A-2"))])
    real = exchange._exchange

    def edit(now: str) -> None:
        if now == moment and (edited := next(edits, None)):
            save(tmp_path / "Q.md", edited, saves)

    def exchanged(folder_fd: int, one: str, other: str) -> bool:
        edit("before the exchange")
        return real(folder_fd, one, other)

    def decide(each: Item, _reliability: Reliability | None) -> Change:
        edit("while deciding")
        return cancel(STAMP)(each, None)

    monkeypatch.setattr(exchange, "_exchange", exchanged)
    queue.change("A-1", decide)
    assert [(each.id, each.status, each.task) for each in items_of(queue)] == [
        ("A-1", "BLOCKED", "T"),
        ("A-2", "PENDING", "t"),
    ]
    assert sorted(os.listdir(tmp_path)) == ["Q.md", "Q.md.lock"]


def test_a_document_that_never_stands_still(tmp_path: Path) -> None:
    """Who never comes between two saves gives up after the lock timeout, and nothing of the others' is lost."""
    queue = write(tmp_path / "Q.md", table(ROW))
    versions = (table(ROW.replace(" t ", f" {number} ")) for number in itertools.count())

    def decide(each: Item, _reliability: Reliability | None) -> Change:
        save(tmp_path / "Q.md", next(versions), "in place")
        return cancel(STAMP)(each, None)

    with pytest.raises(WriteError, match="another program changed the file meanwhile; run the command again"):
        queue.change("A-1", decide)
    assert (tmp_path / "Q.md").read_text() == table(ROW.replace(" t ", f" {int(next(versions).split('|')[-7]) - 1} "))
    assert sorted(os.listdir(tmp_path)) == ["Q.md", "Q.md.lock"]


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_lock_file_that_is_taken_away(tmp_path: Path, how: str) -> None:
    """Who notices that its lock file is gone takes the lock anew before it writes (`git clean`, `git stash -u`)."""
    queue = write(tmp_path / "Q.md", table(ROW))
    lock = tmp_path / "Q.md.lock"
    decided: list[int] = []

    def decide(each: Item, _reliability: Reliability | None) -> Change:
        if not decided:
            lock.unlink()
            if how == "replaced":
                lock.touch()
        decided.append(lock.stat().st_ino if lock.exists() else 0)
        return cancel(STAMP)(each, None)

    queue.change("A-1", decide)
    assert len(decided) == 2
    assert decided[1] == lock.stat().st_ino


def test_a_change_that_somebody_undoes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that read before and writes after us undoes the change: it was made, and is not there any more."""
    queue = write(tmp_path / "Q.md", table(ROW))
    then = {"undone": table(ROW), "gone": table(), "malformed": table("| x |")}
    undone = "A-1 was changed, and another program has since put a version there without the change: look at the queue"
    for words, content in [
        (undone, then["undone"]),
        (undone, then["gone"]),
        (r"A-1: written, but the queue cannot be read any more \(.*Q\.md:3: expected 9 cells", then["malformed"]),
    ]:
        save(tmp_path / "Q.md", table(ROW), "in place")
        monkeypatch.setattr(
            GitIndex, "settle", lambda _self, content=content: save(tmp_path / "Q.md", content, SAVES[1])
        )
        with pytest.raises(WriteError, match=r"Q\.md: " + words):
            queue.change("A-1", cancel(STAMP))


def test_a_change_that_another_one_follows_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes the item after us keeps its notes, and so the change is still there."""
    queue = write(tmp_path / "Q.md", table(ROW))
    monkeypatch.setattr(
        GitIndex,
        "settle",
        lambda _self: save(
            tmp_path / "Q.md",
            (tmp_path / "Q.md").read_text().replace("| BLOCKED", "| DONE").replace("operator", "operator / ok"),
            SAVES[0],
        ),
    )
    queue.change("A-1", cancel(STAMP))
    assert items_of(queue)[0].status == "DONE"


def test_a_lock_of_git_that_stays_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change goes on beside a lock of git that stays, and says so; the lock is left alone."""
    monkeypatch.setattr("ops_checks.files.git_index._WAIT_S", 0.02)
    queue = write(tmp_path / "Q.md", table(ROW))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index.lock").touch()
    change = queue.change("A-1", cancel(STAMP))
    assert [note.partition(":")[0] for note in change.notes] == [str(tmp_path / ".git" / "index.lock")]
    assert (tmp_path / ".git" / "index.lock").exists()


def test_a_document_that_git_is_about_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While git rewrites the work tree the document is missing for a moment, which is no error yet."""
    queue = write(tmp_path / "Q.md", table(ROW))
    (tmp_path / ".git").mkdir()
    (tmp_path / "Q.md").rename(tmp_path / "away")
    monkeypatch.setattr("ops_checks.files.git_index._WAIT_S", 0)
    monkeypatch.setattr(GitIndex, "at_work", lambda _self: True)
    monkeypatch.setattr(
        "ops_checks.stores.markdown.writing.time.sleep", lambda _s: (tmp_path / "away").rename(tmp_path / "Q.md")
    )
    queue.change("A-1", cancel(STAMP))
    assert items_of(queue)[0].status == "BLOCKED"


def test_a_file_that_is_written_to_while_it_is_read_is_not_judged(tmp_path: Path) -> None:
    """A view of a file that changed meanwhile raises ChangingError instead of telling half of it."""
    queue = write(tmp_path / "Q.md", table(ROW))
    with queue.snapshot() as view:
        with (tmp_path / "Q.md").open("ab") as file:
            file.write(b"\n\ntext")
        with pytest.raises(ChangingError):
            list(view.items())


def test_a_file_that_is_replaced_while_it_is_read_is_read_whole(tmp_path: Path) -> None:
    """An atomic replacement leaves the view on the old file, which says that it changed."""
    queue = write(tmp_path / "Q.md", table(ROW))
    with queue.snapshot() as view:
        write(tmp_path / "new", table())
        (tmp_path / "new").rename(tmp_path / "Q.md")
        assert len(list(view.items())) == 1
        assert view.changed()


def test_defects_are_all_told(tmp_path: Path) -> None:
    """Every defect is told with file and line, the duplicate ids among them; nothing is taken from the table."""
    rows = [ROW, "| x |", ROW, ROW.replace("PENDING", "LATER"), ROW.replace("A-1", "")]
    queue = write(tmp_path / "Q.md", table(*rows))
    path = f"{tmp_path}/Q.md"
    with pytest.raises(InputError) as caught:
        items_of(queue)
    assert [caught.value.message, *caught.value.details] == [
        f"{path}:4: expected 9 cells, found 1: write a literal pipe as \\|, end the table with a blank line",
        f"{path}:5: duplicate id A-1, first in line 3",
        f"{path}:6: status 'LATER': expected one of PENDING, IN_PROGRESS, BLOCKED, FAILED, DONE",
        f"{path}:7: the id is empty: expected one such as ORCH-001",
    ]


def test_twenty_defects_are_told_and_the_others_counted(tmp_path: Path) -> None:
    """A file with more defects than a person reads ends in how many more there are."""
    queue = write(tmp_path / "Q.md", table(*["| x |"] * 30))
    with pytest.raises(InputError) as caught:
        items_of(queue)
    assert len(caught.value.details) == 20
    assert caught.value.details[-1] == f"{tmp_path}/Q.md: and 10 more defects"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\xff", 1),
        (b"a\n\nb\xc3\n", 3),
        (b"\xed\xa0\x80", 1),
        (b"\xef\xbb\xbf\n\xfe", 2),
        (b"a\n" * 200_000 + b"\x80", 200_001),
    ],
)
def test_bytes_that_are_not_utf_8_are_located(tmp_path: Path, content: bytes, line: int) -> None:
    """Not UTF-8 is an error with the line, also far into the file."""
    with pytest.raises(InputError, match=rf"Q\.md:{line}: not UTF-8"):
        items_of(write(tmp_path / "Q.md", content))


def test_characters_across_blocks_are_whole(tmp_path: Path) -> None:
    """A file longer than one read is cut at line ends, never within a character."""
    queue = [item(f"ORCH-{number}", task="한" * 500) for number in range(400)]
    assert items_of(MARKDOWN.open(make_markdown(tmp_path / "Q.md", queue), lock_timeout_s=1)) == queue


def test_a_line_without_end_is_an_error_with_its_place(tmp_path: Path) -> None:
    """A line of more than 16 MB is refused in bounded memory, with file and line."""
    with pytest.raises(InputError, match=r"Q\.md:2: a line of more than 16 MB"):
        items_of(write(tmp_path / "Q.md", b"\n" + b"x" * (17 << 20)))


def test_rows_outside_the_table_are_remarked(tmp_path: Path) -> None:
    """A row below the table's end is told, since GFM does not read it and a person would."""
    queue = write(tmp_path / "Q.md", table(ROW) + f"\n{ROW}\n{ROW}\n")
    with queue.snapshot() as view:
        assert len(list(view.items())) == 1
        (remark,) = view.remarks()
    assert remark.startswith(
        f"{tmp_path}/Q.md:5: looks like a row of the queue, but the table ended above it and 1 more"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="needs FIFOs that open without waiting")
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    """A FIFO with no writer is an error at once."""
    os.mkfifo(tmp_path / "Q.md")
    with pytest.raises(InputError, match="is a FIFO, not a queue"):
        items_of(MARKDOWN.open(str(tmp_path / "Q.md"), lock_timeout_s=0.2))


@given(st.binary(max_size=60), st.binary(max_size=20))
def test_any_bytes_end_in_items_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, anything: bytes, inside: bytes
) -> None:
    """Whatever the file holds, reading and changing it end in a result or an OpsError, and an error changes nothing."""
    path = tmp_path_factory.getbasetemp() / "any.md"
    whole = document([item("A-1")]).encode()
    middle = whole.index(b"| A-1") + 10
    for content in (anything, whole + anything, whole[:middle] + inside + whole[middle:]):
        queue = write(path, content)
        message = told(queue)
        if message is None:
            assert [each.status for each in items_of(queue) if each.id == "A-1"] == ["BLOCKED"]
        else:
            assert "\n" not in message
            assert path.read_bytes() == content


def told(queue: Store) -> str | None:
    """Read and change a queue, and return the error's message, if any."""
    try:
        items_of(queue)
        queue.change("A-1", cancel(STAMP))
    except OpsError as error:
        return error.message
    return None


def test_a_file_that_cannot_be_read_any_more_is_an_error(tmp_path: Path) -> None:
    """A descriptor that fails under the reader ends in an error that names the file, not in an accident."""
    path = make_markdown(tmp_path / "Q.md", [item("A-1")])
    with MARKDOWN.open(path, lock_timeout_s=0.2).snapshot() as view:
        os.close(view._document._fd)
        with pytest.raises(InputError, match=r"Q\.md: cannot be read \(Bad file descriptor\): check the disk"):
            list(view.items())
        with pytest.raises(InputError, match=r"Q\.md: cannot be read \(Bad file descriptor\): check the disk"):
            view._document.must_be_whole()


def test_a_document_that_is_taken_away(tmp_path: Path) -> None:
    """A document that is gone by the end of the reading has changed; it has no events and no times of making."""
    queue = write(tmp_path / "QUEUE.md", document([item("A-1")]))
    with queue.snapshot() as view:
        (tmp_path / "QUEUE.md").unlink()
        assert view.changed()
        assert (view.retry_count(), view.newest_event(), list(view.pending_since()), list(view.retries())) == (
            None,
            None,
            [],
            [],
        )


def test_a_malformed_document_that_is_being_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect in a document that a writer replaces in the next moment is no defect yet: it is read again."""
    path = tmp_path / "QUEUE.md"
    queue = write(path, "# half a document\n")
    monkeypatch.setattr("time.sleep", lambda _s: path.replace(tmp_path / "other"))
    with queue.snapshot() as view, pytest.raises(ChangingError, match="changing while"):
        list(view.items())


def test_progress(tmp_path: Path) -> None:
    """Whoever asks gets how much of the document was read."""
    write(tmp_path / "QUEUE.md", document([item("A-1")]))
    path = str(tmp_path / "QUEUE.md")
    told: list[tuple[int, int]] = []
    with MARKDOWN.open(path, progress=lambda *far: told.append(far)).snapshot() as view:
        list(view.items())
    assert told == [((tmp_path / "QUEUE.md").stat().st_size,) * 2]
