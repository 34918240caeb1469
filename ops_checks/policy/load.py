"""A policy file → Policy. Reads only what is a plain file of a sensible size, and never waits for one that is not."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

from ops_checks.errors import InputError, UsageError
from ops_checks.model import FIELDS
from ops_checks.policy import DEFAULT_THRESHOLDS, ConsistencyPolicy, KpiPolicy, Policy, Threshold, Waiver
from ops_checks.policy.check import problems, rendered
from ops_checks.policy.yamltext import Document, Problem, read
from ops_checks.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_BYTES = 1_000_000
BOM = "\ufeff"
_MOST_LINES = 20
#: What is wrong with the path that was given; any other failure is the system's.
_NAMED_WRONGLY = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
#: Where more is better, a bare number is the least that is wanted.
SHORT_FOR_MIN = frozenset({"success_rate"})


def load(path: str) -> Policy:
    """Return the policy in a file; see `ops_checks.policy.load_policy`."""
    text, _ = read_text(path)
    document = read(text.removeprefix(BOM))
    refuse(path, document, problems(document))
    return _policy(path, document)


def refuse(path: str, document: Document, found: Iterable[Problem], after: str = "") -> None:
    """Raise UsageError with every problem (the first 20 in full; `after` follows the first), if there is one."""
    lines = rendered(document, found, path)
    if lines:
        more = len(lines) - _MOST_LINES
        details = (*lines[1:_MOST_LINES], *((f"… and {more} more",) if more > 0 else ()))
        raise UsageError(lines[0] + after, details)


def read_text(path: str) -> tuple[str, os.stat_result]:
    """Return the text of a policy file, line ends and BOM as they are, and the file's state when it was read.

    Raises UsageError for what is missing, not to be read by this user, no regular file, over 1 MB
    or not UTF-8; InputError if reading fails.
    """
    data, state = _read_bytes(path)
    try:
        return data.decode("utf-8"), state
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        problem = f"byte 0x{data[error.start]:02x} is not UTF-8; save the policy as UTF-8"
        raise UsageError(f"{visible(path)}:{line}:{column}: top level: {problem}") from error


def _read_bytes(path: str) -> tuple[bytes, os.stat_result]:
    try:
        # Looked at before it is opened, for opening a device can already do something; opened so
        # that a pipe put there in between does not make us wait for its writer.
        _refuse_file(path, os.stat(path))
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            state = os.fstat(fd)
            _refuse_file(path, state)
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        failed = isinstance(error, OSError) and error.errno not in _NAMED_WRONGLY
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise (InputError if failed else UsageError)(
            f"{visible(path)}: policy not readable ({reason}); check the path and its permissions"
        ) from error
    if len(data) > MAX_BYTES:
        raise _too_large(path)
    return data, state


def _refuse_file(path: str, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        kind = "folder" if stat.S_ISDIR(state.st_mode) else "special file"
        raise UsageError(f"{visible(path)}: policy not readable (a {kind}); name a YAML file")
    if state.st_size > MAX_BYTES:
        raise _too_large(path)


def _too_large(path: str) -> UsageError:
    return UsageError(f"{visible(path)}: policy not readable (over {MAX_BYTES:,} bytes); name a smaller YAML file")


def _policy(path: str, document: Document) -> Policy:
    """Return what a document that has no problems means."""
    value: Any = document.value
    return Policy(
        path=path,
        queue=value.get("queue"),
        db=value.get("db"),
        logs=_logs(value.get("log", ())),
        timezone_minutes=_minutes(value.get("timezone")),
        source_of_truth=value.get("source_of_truth", "markdown"),
        consistency=_consistency(value.get("consistency", {})),
        kpi=_kpi(value.get("kpi", {})),
        waivers=tuple(
            Waiver(**waiver, line=document.place(document.spots["waivers", index].start)[0])
            for index, waiver in enumerate(value.get("waivers", ()))
        ),
    )


def _logs(log: str | Iterable[str]) -> tuple[str, ...]:
    return (log,) if isinstance(log, str) else tuple(log)


def _minutes(zone: str | float | None) -> int | None:
    """Return a zone, `+09:00` or hours, as minutes east of UTC."""
    if not isinstance(zone, str):
        return None if zone is None else round(zone * 60)
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _consistency(section: Mapping[str, Any]) -> ConsistencyPolicy:
    fields = section.get("fields")
    return ConsistencyPolicy(
        fields=FIELDS[1:] if fields == "all" else None if fields is None else tuple(dict.fromkeys(fields)),
        severity=section.get("severity", {}),
        ignore_statuses=frozenset(section.get("ignore_statuses", ())),
    )


def _kpi(section: Mapping[str, Any]) -> KpiPolicy:
    options = dict(section)
    options["thresholds"] = _thresholds(section.get("thresholds", {}))
    if "window" in section:
        window = options.pop("window")
        options["window_s"] = int(window[:-1]) * _SECONDS[window[-1]]
    if "commands" in section:
        options["commands"] = frozenset(section["commands"])
    if "stale_minutes" in section:
        options["stale_minutes"] = int(section["stale_minutes"])  # YAML may have written it 60.0
    return KpiPolicy(**options)


def _thresholds(section: Mapping[str, Any]) -> dict[str, Threshold]:
    """Return the limits by metric: the defaults, with each metric that the policy names replaced or, if `off`, gone."""
    thresholds = dict(DEFAULT_THRESHOLDS)
    for metric, limits in section.items():
        if limits == "off":
            thresholds.pop(metric, None)
        elif isinstance(limits, dict):
            whole = {"min_samples": int(limits["min_samples"])} if "min_samples" in limits else {}
            thresholds[metric] = Threshold(**limits | whole)
        else:
            thresholds[metric] = Threshold(min=limits) if metric in SHORT_FOR_MIN else Threshold(max=limits)
    return thresholds
