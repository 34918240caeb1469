"""Read again what has changed, and only then: the one way in which `wait` and `watch` notice that something has."""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import TYPE_CHECKING, Generic, TypeVar

from ops_checks.errors import ChangingError, InputError, LockedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from ops_checks.stores.protocol import Watch

Seen = TypeVar("Seen")

#: How often it is asked whether something has changed: at most twice a second.
POLL_S = 0.5
#: A reading is followed by a pause so many times as long, or a large queue that never rests would take a core.
_REST = 4
#: What has to be read again although nothing has changed is not read before so many times as long: 1 % of a core.
IDLE_REST = 100
#: Nor is it asked sooner, where asking takes long, as it does of a pattern for logs in many folders; within a minute.
_LONGEST_REST_S = 60.0


class Rereader(Generic[Seen]):
    """What is read of inputs, and read again when one of them has changed; a context manager.

    `seen` is what was read last, None before the first time; `error` why it is not known now, None if it is. `rest_s`
    is the pause before the next `look`.
    """

    def __init__(
        self,
        watches: Sequence[Watch],
        read: Callable[[], Seen],
        *,
        clock: Callable[[], float],
        patience_s: float = math.inf,
        at_rest: Callable[[], bool] = lambda: False,
        lasts_s: Callable[[Seen, float], float] = lambda *_: math.inf,
    ) -> None:
        """Watch inputs by `watches`, and read them by `read`, which raises InputError.

        `clock` returns seconds that never go back. An error that no writer explains is raised once it has lasted for
        `patience_s`, at the second look if nothing was ever read and `at_rest()`: nobody has written for a while.
        `lasts_s` is how long what was read, in so many seconds, holds while nothing changes.
        """
        self._watches, self._read, self._clock = watches, read, clock
        self._patience_s, self._at_rest, self._lasts_s = patience_s, at_rest, lasts_s
        self._stack = ExitStack()
        self._versions: list[object] = []
        self._forgotten = True
        self._due_s = -math.inf
        self._failing_since_s: float | None = None
        self._failed_at: list[object] | None = None
        self.seen: Seen | None = None
        self.error: InputError | None = None
        self.rest_s = POLL_S

    def __enter__(self) -> Self:
        """Begin to watch; nothing is read yet."""
        for watch in self._watches:
            self._stack.enter_context(watch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release what the watches hold."""
        self._stack.close()

    def look(self) -> bool:
        """Read again if something has changed or what was read holds no longer; return whether that brought anything.

        An error that stays is nothing new. Raises InputError for what stays unreadable.
        """
        asked_s = self._clock()
        versions = [watch.version() for watch in self._watches]
        began_s = self._clock()
        forgotten, self._forgotten = self._forgotten, False  # at once: another thread may ask for more meanwhile
        if not forgotten and versions == self._versions and began_s < self._due_s:
            self.rest_s = max(POLL_S, min(IDLE_REST * (began_s - asked_s), _LONGEST_REST_S))
            return False
        try:
            self.seen = self._read()
        except InputError as error:
            self._must_be_passing(error)
            took_s = self._rest_after(began_s)
            again = versions == self._failed_at and self._patience_s == math.inf
            is_new = forgotten or self.error is None or self.error.message != error.message
            self.error, self._versions, self._failed_at = error, versions, versions
            self._due_s = began_s + IDLE_REST * took_s if again else -math.inf
        else:
            took_s = self._rest_after(began_s)
            self.error, self._versions, self._failing_since_s, self._failed_at = None, versions, None, None
            self._due_s = began_s + self._lasts_s(self.seen, took_s)
            is_new = True
        return is_new

    def forget(self) -> None:
        """Let the next look read again: something else is asked for. Any thread may call it."""
        self._forgotten = True

    def _rest_after(self, began_s: float) -> float:
        """Rest after a reading, and return how long it took, in seconds."""
        took_s = self._clock() - began_s
        self.rest_s = max(POLL_S, _REST * took_s)
        return took_s

    def _must_be_passing(self, error: InputError) -> None:
        """Raise an error of reading unless a writer may be at it."""
        if isinstance(error, ChangingError | LockedError):
            return
        if self._failing_since_s is None:  # between the two renames of a writer nothing is there
            self._failing_since_s = self._clock()
            return
        at_rest = self.seen is None and self._at_rest()
        if self._clock() - self._failing_since_s >= (0 if at_rest else self._patience_s):
            raise error
