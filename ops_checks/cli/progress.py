"""How far a long reading is: a bar on a terminal, and nothing for a short one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, TextIO

    from tqdm import tqdm

#: A reading shorter than this shows no bar, and does not pay for the library that draws it.
PATIENCE_S = 0.5


class Bar:
    """Call it with the bytes read so far and those there are in all; `close` takes the bar away.

    `stream` is the terminal, `clock` tells seconds that only grow; the patience begins with the bar.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._since_s = clock()
        self._shown: tqdm[NoReturn] | None = None

    def __call__(self, done: int, total: int) -> None:
        """Show how far the reading is."""
        if self._shown is None and self._clock() - self._since_s < PATIENCE_S:
            return
        if self._shown is not None and total == self._shown.total and done >= self._shown.n:
            self._shown.update(done - self._shown.n)
            return
        self.close()  # what was shown is another input, or an earlier look at this one
        self._shown = _drawn(self._stream, done, total)

    def close(self) -> None:
        """Take the bar away, so that the next thing on the terminal is the answer."""
        if self._shown is not None:
            self._shown.close()


def _drawn(stream: TextIO, done: int, total: int) -> tqdm[NoReturn]:
    from tqdm import tqdm

    return tqdm(
        total=total, initial=done, file=stream, desc="reading", unit="B", unit_scale=True, leave=False, ascii=True
    )
