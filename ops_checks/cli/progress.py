"""Show the progress of a long reading as a bar on a terminal."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, TextIO

    from tqdm import tqdm

#: Seconds: a shorter reading shows no bar, and does not import the library that draws it.
PATIENCE_S = 0.5


class Bar:
    """A progress bar, called with the bytes read so far and their total; `close` removes it.

    `stream` is the terminal, `clock` a monotonic clock in seconds. Nothing is drawn in the first PATIENCE_S.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._since_s = clock()
        self._bar: tqdm[NoReturn] | None = None

    def __call__(self, done: int, total: int) -> None:
        """Draw or update the bar."""
        if self._bar is None and self._clock() - self._since_s < PATIENCE_S:
            return
        if self._bar is not None and total == self._bar.total and done >= self._bar.n:
            self._bar.update(done - self._bar.n)
            return
        self.close()  # the bar is that of another input, or of an earlier reading of this one
        self._bar = _drawn(self._stream, done, total)

    def close(self) -> None:
        """Remove the bar from the terminal."""
        if self._bar is not None:
            self._bar.close()


def _drawn(stream: TextIO, done: int, total: int) -> tqdm[NoReturn]:
    from tqdm import tqdm

    return tqdm(
        total=total, initial=done, file=stream, desc="reading", unit="B", unit_scale=True, leave=False, ascii=True
    )
