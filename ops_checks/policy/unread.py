"""Settings that are there and are not read: each is told, because silence would loosen the gate (FORMATS section 8)."""

from __future__ import annotations

import os

from ops_checks.policy.search import DEFAULT_POLICY
from ops_checks.sanitize import visible
from ops_checks.stores.registry import located
from ops_checks.suggestions import closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ops_checks.policy.model import Policy

#: The variables that are read; the first three name inputs, and one hours east of UTC.
PATHS = ("ORCH_QUEUE_MD", "ORCH_DB_PATH", "ORCH_LOG_PATH")
_ZONE = "ORCH_TZ_OFFSET"
VARIABLES = (
    *PATHS,
    _ZONE,
    "ORCH_RETRY_BACKOFF",
    "ORCH_QUEUE_MD_READ_ONLY",
    "OPS_CHECKS_DEBUG",
    "OPS_CHECKS_SCANNER",
)
#: What is easily written for a variable, without underscores, and too short to be found by likeness.
_SHORT = {
    "ORCHQUEUE": "ORCH_QUEUE_MD",
    "ORCHDB": "ORCH_DB_PATH",
    "ORCHLOG": "ORCH_LOG_PATH",
    "ORCHTZ": "ORCH_TZ_OFFSET",
}
_PREFIXES = ("ORCH", "OPS_CHECKS", "OPSCHECKS")
_LIKENESS = 0.85
#: Below it are all inputs at their default paths.
_DEFAULT_FOLDER = "automation/orchestrator/"


def unread_notes(
    environ: Mapping[str, str], policy: Policy | None, queue: str | None, db: str | None, logs: tuple[str, ...]
) -> tuple[str, ...]:
    """Return notes on settings that are there and are not read, beside what the command line names."""
    notes = [*environment_notes(environ)]
    by_policy = (policy.queue, policy.db, policy.logs) if policy else (None, None, None)
    for name, option, value, key in zip(PATHS, (queue, db, logs), by_policy, ("queue", "db", "log"), strict=True):
        if environ.get(name) and value and not option:
            notes.append(f"{name} comes before the policy's {key}: {visible(located(environ[name]))} is read")
    if policy is not None and policy.timezone is not None and environ.get(_ZONE, "").strip():
        notes.append(f"{_ZONE} comes before the policy's timezone")
    paths = [path for path in (*map(environ.get, PATHS), queue, db, *logs) if path] + [_DEFAULT_FOLDER]
    return (*notes, *policies_below(policy.path if policy else None, paths))


def environment_notes(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a note for each variable that is empty, or spelled nearly as one that is read."""
    for name in VARIABLES:
        if name in environ and not (environ[name] if name in PATHS else environ[name].strip()):
            yield f"{name} is empty, as if it were not set"
    for name in environ:
        if name.upper().startswith(_PREFIXES) and name not in VARIABLES:
            meant = _meant(name.upper())
            if meant:
                yield f"{visible(name)} is not read: did you mean {meant}?"
            elif not name.upper().startswith("ORCH"):
                yield f"{visible(name)} is not read: there is no such setting"


def policies_below(policy_path: str | None, inputs: Iterable[str]) -> Iterator[str]:
    """Yield a note for each policy beside an input or between it and the current folder, which no command finds."""
    folders: dict[str, None] = {}
    for path in inputs:
        folder = os.path.dirname(path)
        while folder and not os.path.isabs(folder) and folder not in folders:
            folders[folder] = None
            folder = os.path.dirname(folder)
    for folder in folders:
        path = os.path.join(folder, DEFAULT_POLICY)
        if os.path.lexists(path) and not (policy_path and _same(path, policy_path)):
            yield f"{visible(path)}: not read: a policy is looked for in the current folder and above it, not below"


def _meant(name: str) -> str | None:
    plain = {variable.replace("_", ""): variable for variable in VARIABLES} | _SHORT
    bare = name.replace("_", "").replace("-", "")
    close = closest(bare, plain, _LIKENESS)
    return None if close is None else plain[close]


def _same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False
