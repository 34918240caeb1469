"""Where the files of a project stand: as every command finds them (FORMATS section 8)."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import NamedTuple

from ops_checks.context import DEFAULT_DB, DEFAULT_LOG, DEFAULT_QUEUE
from ops_checks.files.new_file import existing_part
from ops_checks.policy.search import DEFAULT_POLICY, DefaultPaths
from ops_checks.stores.registry import is_url, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.context import Context
    from ops_checks.stores.registry import Place


class Layout(NamedTuple):
    """The files of a project, each by its path in the specification; its database may be on a server.

    `folder` is the project's, empty for the current one: there the files stand but for those that are `named`
    elsewhere, None for one that is not made. `settings` are the locations that a new policy names, by key;
    `db_shown` is how texts of the project name the database.
    """

    folder: str
    named: Mapping[str, str | None] = MappingProxyType({})
    settings: Mapping[str, str] = MappingProxyType({})
    db_shown: str = DEFAULT_DB

    def place(self, path: str) -> Place:
        """Return where a file stands, or nothing and the location on a server.

        Symlinks on the way are followed only where a person named it.
        """
        location = self.named.get(path)
        if location and is_url(location):
            return "", location
        return existing_part(location) if location else (self.folder, path)


def layout(context: Context, *, queue: str | None, db: str | None) -> Layout:
    """Return where the files of a context's project stand; `queue` and `db` are what the command line names."""
    folder = DefaultPaths(context.policy.path).folder
    locations = {
        DEFAULT_QUEUE: context.queue,
        DEFAULT_DB: context.db,
        DEFAULT_LOG: _one_log(context.logs),
        DEFAULT_POLICY: context.policy.path or DEFAULT_POLICY,
    }
    named = {path: each for path, each in locations.items() if each != os.path.join(folder, path)}
    options = {"queue": (queue, DEFAULT_QUEUE), "db": (db, DEFAULT_DB)}
    settings = {
        key: _in_policy(location, folder)
        for key, (location, default) in options.items()
        if location and default in named and location.isprintable()
    }
    db_shown = context.db if is_url(context.db) else _in_policy(context.db, folder)
    return Layout(folder, named, settings, db_shown)


def _one_log(logs: tuple[str, ...]) -> str | None:
    """Return the run log, None if there are several: their writers make them."""
    return logs[0] if len(logs) == 1 and not any(char in logs[0] for char in "*?[") else None


def _in_policy(location: str, folder: str) -> str:
    """Return a location as a policy in the project's folder names it: relative to it, but for what lies elsewhere.

    One on a server is named as a person wrote it: it holds no password.
    """
    if is_url(location):
        return written(location)
    relative = os.path.relpath(location, folder or os.curdir)
    elsewhere = os.path.isabs(location) and relative.split(os.sep)[0] == os.pardir
    return location if elsewhere else relative
