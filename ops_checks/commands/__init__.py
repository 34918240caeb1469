"""What each command does: arguments in, exit code and text out. Printing is the command line's.

One module for each group of commands, imported when one of them runs.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Mapping

    from ops_checks.policy import Policy
    from ops_checks.queues import Queue
    from ops_checks.settings import Settings


class Call:
    """One call of a command: its arguments, the environment, the time (epoch seconds), and what is said aside.

    `remarks` collects lines for stderr that change no exit code; `progress` is told how far a long
    reading is (bytes so far, bytes in all).
    """

    __slots__ = ("args", "environ", "now_s", "progress", "remarks", "terminal")

    def __init__(
        self,
        args: Namespace,
        environ: Mapping[str, str],
        now_s: float,
        *,
        terminal: bool,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        self.args = args
        self.environ = environ
        self.now_s = now_s
        self.terminal = terminal
        self.progress = progress
        self.remarks: list[str] = []

    @property
    def lock_timeout_s(self) -> float:
        """How long to wait for other writers, in seconds."""
        from ops_checks.queues import DEFAULT_LOCK_TIMEOUT_S

        return float(getattr(self.args, "lock_timeout", DEFAULT_LOCK_TIMEOUT_S))

    def warn(self, remarks: Iterable[str]) -> None:
        """Keep remarks for stderr."""
        self.remarks += [f"warning: {remark}" for remark in remarks]

    def settings(self, *, only_places: bool = False) -> Settings:
        """Return where the inputs are. Raises UsageError for a bad policy or environment.

        `only_places`: the command needs no more of a policy than what it says of the queues, so a
        policy in the current folder that says nothing of them is not read: that takes ten times as
        long as `status`, and a misspelled threshold must not stop an operator.
        """
        from ops_checks.settings import resolve

        args = self.args
        return resolve(
            self.environ,
            self._policy(only_places=only_places),
            queue=getattr(args, "queue_path", None) or getattr(args, "queue", None),
            db=getattr(args, "db_path", None) or getattr(args, "db", None),
            logs=tuple(getattr(args, "log_path", None) or ()),
        )

    def backend(self, settings: Settings) -> Queue:
        """Return the store to work on: `--db` chooses the database, or the policy's source of truth does."""
        from ops_checks.queues import open_database, open_markdown

        named_queue, named_db = (getattr(self.args, name, None) for name in ("queue", "db"))
        if named_db or (not named_queue and settings.source_of_truth == "db"):
            return open_database(settings.db, lock_timeout_s=self.lock_timeout_s)
        return open_markdown(settings.queue, lock_timeout_s=self.lock_timeout_s)

    def _policy(self, *, only_places: bool) -> Policy | None:
        """Return the policy that was named, or the one in the current folder, or None."""
        from ops_checks.settings import DEFAULT_POLICY, may_name_places

        path = getattr(self.args, "policy", None)
        if path is None and not _is_there(DEFAULT_POLICY):
            return None
        if path is None and only_places and not may_name_places(DEFAULT_POLICY):
            return None
        from ops_checks.policy import load_policy

        return load_policy(path or DEFAULT_POLICY)


def _is_there(path: str) -> bool:
    """Tell whether a name is taken. If even that cannot be told, yes: reading it will say why, not pass it over."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
