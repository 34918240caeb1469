"""A document that is written to while it is read is never taken for whole."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from builders import item, make_markdown

from ops_checks import open_queue
from ops_checks.errors import ChangingError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_write_that_hides_itself_is_noticed(tmp_path: Path) -> None:
    """A program that writes as many bytes and puts the time of the change back has torn the reading too."""
    path = make_markdown(tmp_path / "Q.md", [item("A-1", task="one"), item("A-2", task="two")])
    with open_queue(path).snapshot() as snapshot:
        before = os.stat(path)
        with open(path, "r+b") as file:
            file.write(b"# QUEUE")
        while os.stat(path).st_ctime_ns == before.st_ctime_ns:  # the file system's clock ticks in milliseconds
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert (os.stat(path).st_size, os.stat(path).st_mtime_ns) == (before.st_size, before.st_mtime_ns)
        with pytest.raises(ChangingError):
            snapshot.check()
