"""Small git repositories with a queue, made by git itself, away from the settings of who runs the tests."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from builders import document

from ops_checks.reconcile.history import DocumentHistory
from ops_checks.stores.markdown.snapshot import MarkdownSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ops_checks.model import Item

#: 2026-02-09 01:00 in the queue's zone.
BEGIN_S = 1_770_566_400
TZ_MINUTES = 540


class GitProject:
    """A repository in a folder with a queue at `path`; every commit is a minute after the one before."""

    def __init__(self, folder: Path, path: str = "QUEUE.md", *init: str) -> None:
        self.folder = folder
        self.queue = folder / path
        self.time_s = BEGIN_S
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main", *init)

    def git(self, *words: str, data: bytes | None = None, check: bool = True, **env: str) -> str:
        """Run git in the repository and return what it says."""
        answer = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env=self.environment() | env,
            input=data,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert not check or answer.returncode == 0, answer.stderr
        return answer.stdout.decode().strip()

    def environment(self) -> dict[str, str]:
        """Return an environment without the settings of user and machine, with a time of its own."""
        who = {f"GIT_{role}_{what}": text for role in ("AUTHOR", "COMMITTER") for what, text in self._who().items()}
        plain = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
        return plain | who

    def _who(self) -> dict[str, str]:
        return {"NAME": "JM", "EMAIL": "jm@example.org", "DATE": f"{self.time_s} +0000"}

    def write(self, items: Iterable[Item] | str | bytes) -> None:
        """Write the queue: items, or a text of its own."""
        self.queue.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(items, str | bytes):
            items = document(items)
        self.queue.write_bytes(items.encode() if isinstance(items, str) else items)

    def commit(self, items: Iterable[Item] | str | bytes | None = None, subject: str = "change", **env: str) -> str:
        """Write the queue, commit everything, and return the commit's id."""
        if items is not None:
            self.write(items)
        self.time_s += 60
        self.git("add", "-A", **env)
        self.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", subject, **env)
        return self.head

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    def history(self, **options: float) -> DocumentHistory:
        """Return the history of the queue."""
        return DocumentHistory(str(self.queue), zone=TZ_MINUTES, **options)

    def now(self) -> Mapping[str, tuple[int, Item]]:
        """Return the rows of the queue as they are."""
        return rows_of(self.queue)


def rows_of(path: Path) -> dict[str, tuple[int, Item]]:
    """Return line number and item of each row of a document, by id."""
    with MarkdownSnapshot(str(path)) as snapshot:
        return {item.id: (number, item) for number, item in snapshot.items()}


def program(path: Path, script: str) -> Path:
    """Write a shell script that can be run, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
