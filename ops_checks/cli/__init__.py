"""The command line: arguments in, one command, text out."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found] # `signal` imports `enum`, which takes longer than `status` works
import atexit
import gc
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

_NOT_EVALUATED = 3
_INTERRUPTED = 130
#: How many objects are made before cycles among them are looked for: a command keeps most of what it makes.
_MADE_BETWEEN_SEARCHES = 50_000
#: Made here: where no memory is left, a tuple of two cannot be made when an exception is held against it.
UNEXPECTED = (Exception, SystemExit)
_NO_MEMORY_LEFT = b"error: unexpected MemoryError: give the process more memory, or report it to ops-checks\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (FORMATS section 7). `argv` defaults to the process's arguments.

    An exception that nobody expected is "could not carry out", whatever it is and wherever it comes from, a module
    that is missing or memory that runs out included: exit code 3 and one line. A traceback would end in 1, and 1
    says that the queues disagree. With OPS_CHECKS_DEBUG=1 the traceback is shown before the line. For the process's
    arguments SIGTERM is answered as Ctrl-C is: what was begun is taken back, and what was made is told.
    """
    try:
        if argv is None:
            _answer_sigterm()
        from ops_checks.cli.entry import run

        return run(argv)
    except KeyboardInterrupt:  # before the command has begun
        return _INTERRUPTED
    except UNEXPECTED as error:
        return _unexpected(error)


def console() -> NoReturn:
    """Run the process's command and end the process with its exit code.

    What was printed has been written by now, and files are closed; what an engine has to leave behind in order, it
    does. Leaving it to the interpreter to free every object one by one would take a tenth of the time of most commands.
    """
    gc.set_threshold(_MADE_BETWEEN_SEARCHES)
    code = main()
    atexit._run_exitfuncs()  # noqa: SLF001 - what the interpreter itself calls
    os._exit(code)


def _answer_sigterm() -> None:
    """Answer SIGTERM as Ctrl-C, unless the process has its own way, or this is a thread of a program."""
    try:
        if _signal.getsignal(_signal.SIGTERM) == _signal.SIG_DFL:
            _signal.signal(_signal.SIGTERM, _interrupt)
    except ValueError:  # not the main thread
        return


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _unexpected(error: BaseException) -> int:
    try:
        import sys

        if os.environ.get("OPS_CHECKS_DEBUG") == "1":
            sys.excepthook(type(error), error, error.__traceback__)
        from ops_checks.errors import unexpected

        line = f"error: {unexpected(error)}\n".encode()
    except Exception:  # noqa: BLE001 - what is left is a line that is there already
        line = _NO_MEMORY_LEFT
    try:
        os.write(2, line)
    except OSError:  # nobody listens
        return _NOT_EVALUATED
    return _NOT_EVALUATED


__all__ = ["console", "main"]
