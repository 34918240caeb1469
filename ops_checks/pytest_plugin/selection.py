"""Which checks of a collection run: all but those that a person left out, whatever other plugins and hooks drop."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ops_checks.pytest_plugin.items import QueueCheck

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

#: The plugins of pytest whose options (-k and -m, --deselect) need nothing but an item to decide on it.
_SELECTORS = ("mark", "main")
#: Packages whose frames stand between a hook and its caller.
_BETWEEN = {"pluggy", __package__.partition(".")[0]}


class Selection:
    """The checks of a session that were left out, each by its rule.

    `left_out`: by a person, with an option of pytest's own (`-k`, `-m`, `--deselect`, `--lf`, `--sw`). `put_back`:
    by another plugin or hook, which nobody had asked about the queue, so that they run all the same.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.left_out: set[str] = set()
        self._config = config
        self._checks: list[QueueCheck] = []
        self._put_back: set[str] = set()

    @property
    def put_back(self) -> set[str]:
        """The checks that were put back, and that nobody left out afterwards."""
        return self._put_back - self.left_out

    def add(self, checks: Sequence[QueueCheck]) -> None:
        """Add checks that were collected."""
        self._checks += checks

    def merge(self, left_out: Sequence[str], put_back: Sequence[str]) -> None:
        """Add what the selection of a worker found."""
        self.left_out.update(left_out)
        self._put_back.update(put_back)

    def deselected(self, items: Sequence[pytest.Item]) -> None:
        """Take note of what is deselected: it counts if pytest itself does it, for only a person can ask it to."""
        if _called_by_pytest():
            self.left_out.update(item.rule for item in items if isinstance(item, QueueCheck))

    def restore(self, items: list[pytest.Item]) -> bool:
        """Put the checks back that are neither among the items nor left out by a person; return whether there were any.

        They stand at the end in the order of the plan, so that every worker of a distributed session has the same.
        Options of pytest's own that did not see them, because they were dropped before, are asked now.
        """
        there = {item.rule for item in items if isinstance(item, QueueCheck)}
        lost: list[pytest.Item] = [check for check in self._checks if check.rule not in there | self.left_out]
        if lost:
            self._forget_deselected(lost)
            for name in _SELECTORS:
                selector: Any = self._config.pluginmanager.get_plugin(name)
                selector.pytest_collection_modifyitems(items=lost, config=self._config)
            self._put_back.update(item.rule for item in lost if isinstance(item, QueueCheck))
            items += lost
        return bool(lost)

    def _forget_deselected(self, lost: Sequence[pytest.Item]) -> None:
        """Take checks out of what the terminal counts as deselected."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        counted = getattr(reporter, "stats", {}).get("deselected", [])
        counted[:] = [item for item in counted if item not in lost]


def _called_by_pytest() -> bool:
    """Return whether the hook that runs was called by pytest's own code, not by another plugin's.

    A hook is not told who called it, and what is deselected is announced in one hook by all.
    """
    frame = sys._getframe(1)  # noqa: SLF001 - the public inspect.stack() reads source files
    while frame.f_back is not None and _package(frame.f_globals) in _BETWEEN:
        frame = frame.f_back
    return _package(frame.f_globals) == "_pytest"


def _package(module: dict[str, object]) -> str:
    return str(module.get("__name__", "")).partition(".")[0]
