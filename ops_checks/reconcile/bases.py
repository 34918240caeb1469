"""A base by name: the document's version at a revision of git, or an exported baseline (RECONCILE section 3).

Both are for looking: what was committed is not what was agreed, and a file does not advance with an application.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.files.git_process import GitError
from ops_checks.reconcile.base_file import BaseFile
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import FROM_GIT, AgreedRow, Baseline
from ops_checks.stores.markdown.snapshot import MarkdownSnapshot
from ops_checks.stores.sqlite.temporary_base import TemporaryBase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.context import Context
    from ops_checks.reconcile.history import DocumentHistory

#: What stands before a revision.
GIT = "git:"
_SHORT_COMMIT = 7


def open_base(context: Context, history: DocumentHistory, name: str) -> TemporaryBase:
    """Return the base of a name, `git:REV` or the path of an exported baseline; a context manager.

    Raises InputError, which names it, for what is no readable base.
    """
    if name.startswith(GIT):
        return _from_git(context, history, name)
    with BaseFile(name) as file:
        return TemporaryBase(name, file.baseline, file.rows())


def _from_git(context: Context, history: DocumentHistory, name: str) -> TemporaryBase:
    revision = name.removeprefix(GIT)
    try:
        commit, when, who, blocks = history.version(revision)
        with tempfile.TemporaryDirectory(prefix="ops-checks-base-") as folder:
            path = os.path.join(folder, os.path.basename(context.queue))
            digest = hashlib.sha256()
            with open(path, "xb") as file:
                for block in blocks:
                    digest.update(block)
                    file.write(block)
            where = f"{visible(context.queue)} at git:{commit[:_SHORT_COMMIT]}"
            header = (who, context.queue, f"sha256:{digest.hexdigest()}", commit)
            baseline = Baseline(0, "", when, *header, items=0, tool="", source=FROM_GIT)
            return TemporaryBase(name, baseline, _rows(path, where, baseline))
    except GitError as error:
        raise InputError(
            f"--base {visible(name)}: {visible(str(error))}: name a commit that has the document, or leave it out"
        ) from error


def _rows(path: str, where: str, baseline: Baseline) -> Iterator[AgreedRow]:
    """Stream the rows of a version as agreed ones. Raises InputError, which names the version, if it is no queue."""
    try:
        with MarkdownSnapshot(path) as snapshot:
            for line, item in snapshot.items():
                yield AgreedRow(tuple(item), line, None, baseline.made_at, baseline.md_commit)
    except InputError as error:
        named = [text.replace(visible(path), where) for text in (error.message, *error.details)]
        raise InputError(named[0], tuple(named[1:])) from error
