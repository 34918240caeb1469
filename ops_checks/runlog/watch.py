"""Tell cheaply whether a run log has changed: by the identity, size and time of each file that it is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.files.file_version import FileWatch, file_version
from ops_checks.runlog.patterns import expand_logs

if TYPE_CHECKING:
    from collections.abc import Sequence


def watch_logs(patterns: Sequence[str]) -> FileWatch:
    """Return what watches the logs that paths and patterns name; its version is None where they cannot be told."""
    return FileWatch(partial(_version, patterns))


def _version(patterns: Sequence[str]) -> object:
    try:
        return tuple((path, file_version(path)) for path in expand_logs(patterns))
    except InputError:
        return None
