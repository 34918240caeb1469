"""End the session with one line and exit code 3 at an unexpected exception, as every command does."""

from __future__ import annotations

import os
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import pytest

from ops_checks.errors import unexpected
from ops_checks.exit_codes import NOT_EVALUATED

if TYPE_CHECKING:
    from collections.abc import Callable

#: Given back when memory runs out, so that pytest has enough to end the session properly.
_RESERVE_BYTES = 1 << 23
_reserve = [bytes(_RESERVE_BYTES)]

#: What a hook, or a hook of another plugin that it calls, means to end with. Made here: the reserve is still kept when
#: an exception is held against it, and even a tuple of two takes memory.
_MEANT = (pytest.UsageError, pytest.exit.Exception)

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


def guarded(hook: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """Return a hook that ends the session at an unexpected exception; with OPS_CHECKS_DEBUG=1 it raises that."""

    @wraps(hook)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        try:
            return hook(*args, **kwargs)
        except _MEANT:
            raise
        except Exception as error:
            _reserve.clear()
            if os.environ.get("OPS_CHECKS_DEBUG") == "1":
                raise
            line = f"error: {unexpected(error)}"
        # Outside of the handler, where the frames of the failure, and all that they hold, are gone.
        pytest.exit(line, returncode=NOT_EVALUATED)

    return call
