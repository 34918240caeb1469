"""What reads the run log: one engine or the other, by its name in `--engine` and in the policy's `kpi.engine`.

All of them give the same answers. An engine is a module with `read(wanted, run_filter, target) -> RunStats`, and a line
of the table below; it is imported only where it is asked for.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import InputError, UsageError
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ops_checks.runlog.filter import RunFilter
    from ops_checks.runlog.reader import Progress
    from ops_checks.runlog.stats import RunStats


class Engine(NamedTuple):
    """A kind of engine: the module that reads, and the word for what may follow its name behind `=`, if anything."""

    name: str
    module: str
    target: str = ""


LOCAL = "local"

#: Every engine by its name.
ENGINES = {
    engine.name: engine
    for engine in (
        Engine(LOCAL, "ops_checks.runlog.engines.local"),
        Engine("spark", "ops_checks.runlog.engines.spark.engine", "MASTER"),
    )
}

#: An engine as it is written: its name, and behind `=` what it works on, without control characters.
PATTERN = "^(?:{})$(?!\\n)".format(
    "|".join(f"{each.name}(?:=[^\\u0000-\\u001f\\u007f]+)?" if each.target else each.name for each in ENGINES.values())
)
#: What may be written, for messages.
EXPECTED = " or ".join(f"{each.name}[={each.target}]" if each.target else each.name for each in ENGINES.values())

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PASSWORD = re.compile(_URL.pattern + r"[^/@]*:[^/@]*@")


class Wanted(NamedTuple):
    """The logs to read: paths, patterns and URLs. `remark` gets what is left out of them, `progress` how far it is."""

    patterns: Sequence[str]
    remark: Callable[[str], object]
    progress: Progress | None = None


def is_log_url(location: str) -> bool:
    """Return whether a log is named by a URL, which an engine reads, and not by a path of this machine."""
    return _URL.match(location) is not None


def parse_engine(word: str) -> tuple[str, str | None]:
    """Return the name of an engine and its target (None: not given) from `NAME[=TARGET]`. Raises UsageError."""
    name, has_target, target = word.partition("=")
    if name not in ENGINES:
        raise UsageError(f"no engine {name!a}: expected {EXPECTED}")
    wanted = ENGINES[name].target
    if has_target and not wanted:
        raise UsageError(f"engine {name}: takes nothing behind `=`, found {target!a}")
    if has_target and not target.strip():
        raise UsageError(f"engine {name}: expected {name}={wanted}, found nothing behind `=`")
    return name, target if has_target else None


def read_log(word: str, wanted: Wanted, run_filter: RunFilter) -> RunStats:
    """Return the statistics of run logs, read by the engine that a word names.

    Raises InputError for what cannot be read, and for an engine that cannot be had; UsageError for none.
    """
    name, target = parse_engine(word)
    urls = [pattern for pattern in wanted.patterns if is_log_url(pattern)]
    if any(map(_PASSWORD.match, urls)):
        raise UsageError(
            "a log's URL holds a password, and everybody can read it: take it out, Spark's settings have it"
        )
    if urls and name == LOCAL:
        raise InputError(
            f"{visible(urls[0])}: a URL, which this machine's own reader does not read: see --engine spark"
        )
    stats: RunStats = import_module(ENGINES[name].module).read(wanted, run_filter, target)
    return stats
