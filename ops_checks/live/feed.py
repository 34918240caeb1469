"""Keep the parts of a live view up to date: each is watched and read in a thread of its own."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ops_checks.gate.stable_reading import is_quiet
from ops_checks.gate.waiting import LOCK_S
from ops_checks.gate.watching import IDLE_REST, Rereader
from ops_checks.live.model import DRIFT, KPI, QUEUE
from ops_checks.live.reading import QueueReading, read_drift, read_kpi
from ops_checks.runlog.watch import watch_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ops_checks.context import Context
    from ops_checks.errors import InputError
    from ops_checks.live.model import DriftSeen, Filter

#: KPIs change as time goes by: work becomes stale, runs leave the window. Within a minute that is seen.
_KPI_LASTS_S = 60.0
#: A thread is given so long to end; one that reads a large queue ends with the process.
_ENDING_S = 1.0


class News(NamedTuple):
    """What a reading of a `part` brought: what was `seen` last, and the `error` why it is not known now.

    `ended` is what ended the watching of the part, an InputError or what nobody expected.
    """

    part: str
    seen: Any = None
    error: InputError | None = None
    ended: Exception | None = None


class Feed:
    """Watches a queue, its twin and the run log, and hands over what is new.

    `publish` is called with News from the threads; `clock` returns epoch seconds.
    """

    def __init__(self, context: Context, clock: Callable[[], float], publish: Callable[[News], object]) -> None:
        self._publish = publish
        self._stop = threading.Event()
        self._queue = QueueReading(_own(context), clock)
        self._parts = _parts(context, clock, self._queue)
        self._wakes = {part: threading.Event() for part in self._parts}
        self._threads = [
            threading.Thread(target=self._keep, args=(part, reader), name=f"watch-{part}", daemon=True)
            for part, reader in self._parts.items()
        ]

    def start(self) -> None:
        """Begin to watch."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let the threads end, which may be reading; one that never began is none."""
        self._stop.set()
        for wake in self._wakes.values():
            wake.set()
        until_s = time.monotonic() + _ENDING_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until_s - time.monotonic()))

    def list_only(self, wanted: Filter) -> None:
        """List other items from now on."""
        self._queue.wanted = wanted
        self.look(QUEUE)

    def look(self, part: str) -> None:
        """Have a part read again at once, whether something has changed or not."""
        self._parts[part].forget()
        self._wakes[part].set()

    def _keep(self, part: str, reader: Rereader[Any]) -> None:
        """Read a part again and again, until the feed ends."""
        wake = self._wakes[part]
        try:
            with reader:
                while not self._stop.is_set():
                    wake.clear()
                    if reader.look() and not self._stop.is_set():
                        self._publish(News(part, reader.seen, reader.error))
                    wake.wait(reader.rest_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be told, and not by a thread
            self._publish(News(part, ended=error))


def _parts(context: Context, clock: Callable[[], float], queue: QueueReading) -> Mapping[str, Rereader[Any]]:
    """Return what reads each part."""
    settle_s = context.policy.consistency.settle_s
    worked_on, compared, measured = _own(context), _own(context), _own(context)
    store = worked_on.working_store
    sides = [measured.db_store] if context.db_named else [measured.md_store, measured.db_store]

    def drift_lasts_s(seen: DriftSeen, _took_s: float) -> float:
        return settle_s if seen.differs is None and not seen.why_not else math.inf

    return {
        QUEUE: Rereader(
            [store.watch()],
            queue,
            clock=time.monotonic,
            patience_s=context.lock_timeout_s,
            at_rest=lambda: is_quiet([store], settle_s),
        ),
        DRIFT: Rereader(
            [compared.md_store.watch(), compared.db_store.watch()],
            lambda: read_drift(compared),
            clock=time.monotonic,
            lasts_s=drift_lasts_s,
        ),
        KPI: Rereader(
            [*(side.watch() for side in sides), watch_logs(context.logs)],
            lambda: read_kpi(measured.at(clock())),
            clock=time.monotonic,
            lasts_s=lambda _, took_s: max(_KPI_LASTS_S, IDLE_REST * took_s),
        ),
    }


def _own(context: Context) -> Context:
    """Return the context with stores of its own, for a thread, which wait for other writers only for a moment."""
    own = context.with_queues()
    own.lock_timeout_s = min(LOCK_S, context.lock_timeout_s)
    own.progress = None
    return own
