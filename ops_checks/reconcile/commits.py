"""Read author, time and subject out of commits as git stores them: untrusted bytes, in any encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.reconcile.blame import commit_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.files.git_repository import Content, GitRepository
    from ops_checks.timestamps import Zone

_MOST_BYTES = 1 << 16
_LONGEST_TEXT = 200
_MOST_DIGITS = 12


def describe(repository: GitRepository, commits: Iterable[str], zone: Zone) -> dict[str, tuple[str, str, str]]:
    """Return the author's name, the queue time and the subject of commits; those that are not there are left out.

    `zone` is the queue's. Raises GitError.
    """
    described = {}
    for commit, content in repository.commits(commits):
        if content is not None and content.kind == "commit":
            name, epoch_s, subject = parse_commit(_start_of(content))
            described[commit] = name, commit_time(epoch_s, zone), subject
    return described


def parse_commit(data: bytes) -> tuple[str, int | None, str]:
    """Return the author's name, when it was written in epoch seconds (None for no time), and the subject."""
    head, _, message = data.partition(b"\n\n")
    fields = dict(line.partition(b" ")[::2] for line in reversed(head.split(b"\n")))
    encoding = fields.get(b"encoding", b"utf-8").decode("ascii", "replace")
    name, _, rest = fields.get(b"author", b"").partition(b"<")
    seconds = rest.rpartition(b">")[2].split()[:1]
    known = bool(seconds) and seconds[0].isdigit() and len(seconds[0]) <= _MOST_DIGITS
    subject = b" ".join(message.lstrip(b"\n").partition(b"\n\n")[0].split(b"\n"))
    return _text(name.strip(), encoding), int(seconds[0]) if known else None, _text(subject.strip(), encoding)


def _start_of(content: Content) -> bytes:
    data = b""
    for block in content.blocks:
        data += block
        if len(data) >= _MOST_BYTES:
            break
    return data[:_MOST_BYTES]


def _text(data: bytes, encoding: str) -> str:
    try:
        text = data.decode("utf-8" if "escape" in encoding else encoding, "replace")
    except (LookupError, ValueError, TypeError):  # no encoding of text has that name
        text = data.decode("utf-8", "replace")
    return text[:_LONGEST_TEXT]
