"""Settings of the environment that are more than a path (FORMATS section 8)."""

from __future__ import annotations

import os

from ops_checks.errors import UsageError
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.timestamps import Zone


DEFAULT_TZ_MINUTES = 9 * 60
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")
_MOST_TZ_HOURS = 14


def login_name() -> str:
    """Return who runs this: the login name, else the user's number."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return f"uid:{os.getuid()}"


def queue_zone(environ: Mapping[str, str], by_policy: str | int | None = None) -> Zone:
    """Return the queue's zone: that of `ORCH_TZ_OFFSET` (hours), then the policy's, then Korea's.

    `by_policy` is a name of the IANA database, or minutes east of UTC. Raises UsageError for an offset or a name that
    is none, InputError for a name on a machine without zone data.
    """
    text = environ.get("ORCH_TZ_OFFSET", "").strip()
    if not text:
        return _zone(DEFAULT_TZ_MINUTES if by_policy is None else by_policy)
    try:
        hours = float(text) if text.isascii() and "_" not in text else float("nan")
    except ValueError:
        hours = float("nan")
    if not abs(hours) <= _MOST_TZ_HOURS:  # false for NaN too
        raise UsageError(f"ORCH_TZ_OFFSET={visible(text)}: expected hours east of UTC, such as 9")
    return round(hours * 60)


def _zone(plain: str | int) -> Zone:
    if isinstance(plain, int):
        return plain
    from ops_checks.zones import NamedZone  # `status` has no time for it

    return NamedZone(plain)


def retry_backoff_s(environ: Mapping[str, str]) -> tuple[int, ...]:
    """Return the seconds to wait by attempt (`ORCH_RETRY_BACKOFF`). Raises UsageError for what is no list of them."""
    from ops_checks.transitions import DEFAULT_BACKOFF_S

    text = environ.get("ORCH_RETRY_BACKOFF", "").strip()
    if not text:
        return DEFAULT_BACKOFF_S
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):  # noqa: PLR2004 - 30 years
        raise UsageError(f"ORCH_RETRY_BACKOFF={visible(text)}: expected seconds by attempt, such as 60,180,600")
    return tuple(int(part) for part in parts)


def is_markdown_read_only(environ: Mapping[str, str]) -> bool:
    """Return whether `ORCH_QUEUE_MD_READ_ONLY` forbids to change the Markdown queue. Raises UsageError if unclear."""
    text = environ.get("ORCH_QUEUE_MD_READ_ONLY", "").strip().lower()
    if text not in ("", *_TRUE, *_FALSE):
        raise UsageError(f"ORCH_QUEUE_MD_READ_ONLY={visible(text)}: expected one of {', '.join(_TRUE + _FALSE)}")
    return text in _TRUE
