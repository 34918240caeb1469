"""Where each setting comes from: command line, then environment, then policy file, then default (FORMATS section 8)."""

from __future__ import annotations

from ops_checks.errors import UsageError
from ops_checks.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.policy import Policy

DEFAULT_QUEUE = "automation/orchestrator/QUEUE.md"
DEFAULT_DB = "automation/orchestrator/db/queue.db"
DEFAULT_LOG = "automation/orchestrator/logs/orch_runs.jsonl"
DEFAULT_TZ_MINUTES = 9 * 60
DEFAULT_POLICY = "ops-checks.yaml"

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")
_MOST_TZ_HOURS = 14
_MOST_POLICY_BYTES = 1_000_001  # more than a policy may have
_OTHER_KEYS = (b"consistency:", b"kpi:", b"waivers:")


class Settings:
    """The inputs of a command: paths, and whether somebody named them or they are the defaults.

    `tz_minutes` is the queue's zone, minutes east of UTC. `source_of_truth` is `markdown` or `db`.
    `cache_home` is the user's cache folder, "" if the environment names none.
    """

    __slots__ = ("cache_home", "db", "db_named", "logs", "policy", "queue", "source_of_truth", "tz_minutes")

    def __init__(
        self,
        *,
        queue: str,
        db: str,
        db_named: bool,
        logs: tuple[str, ...],
        tz_minutes: int,
        policy: Policy | None,
        cache_home: str = "",
    ) -> None:
        self.queue = queue
        self.db = db
        self.db_named = db_named
        self.logs = logs
        self.tz_minutes = tz_minutes
        self.policy = policy
        self.cache_home = cache_home
        self.source_of_truth = policy.source_of_truth if policy else "markdown"


def resolve(
    environ: Mapping[str, str],
    policy: Policy | None,
    *,
    queue: str | None = None,
    db: str | None = None,
    logs: tuple[str, ...] = (),
) -> Settings:
    """Return the settings of a command from its arguments (None or empty: not given), environment and policy.

    Paths in a policy are relative to the policy's folder. Raises UsageError for a bad ORCH_TZ_OFFSET.
    """
    queue_path = (
        queue or environ.get("ORCH_QUEUE_MD") or _in_policy(policy, policy.queue if policy else None) or DEFAULT_QUEUE
    )
    named_db = db or environ.get("ORCH_DB_PATH") or _in_policy(policy, policy.db if policy else None)
    env_log = environ.get("ORCH_LOG_PATH")
    policy_logs = tuple(_in_policy(policy, path) or path for path in policy.logs) if policy else ()
    return Settings(
        queue=queue_path,
        db=named_db or DEFAULT_DB,
        db_named=bool(named_db),
        logs=logs or ((env_log,) if env_log else ()) or policy_logs or (DEFAULT_LOG,),
        tz_minutes=_tz_minutes(environ, policy),
        policy=policy,
        cache_home=_cache_home(environ),
    )


def may_name_places(path: str) -> bool:
    """Tell, without reading YAML, whether a policy could say anything of the queues: their paths, zone, or precedence.

    Only if this is plain: then the first word of the file, and of every line that is not indented, is
    a key of another kind. Anything else, and a file that cannot be read, takes a closer look.
    """
    import os

    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            lines = file.read(_MOST_POLICY_BYTES).split(b"\n")
    except OSError:
        return True
    content = [line for line in lines if line.strip() and not line.lstrip().startswith(b"#")]
    if not content or content[0][:1].isspace():
        return True
    return not all(line.startswith(_OTHER_KEYS) for line in content if not line[:1].isspace())


def retry_backoff(environ: Mapping[str, str]) -> tuple[int, ...]:
    """Return the seconds to wait by attempt (`ORCH_RETRY_BACKOFF`). Raises UsageError if it is no list of them."""
    from ops_checks.operations import DEFAULT_BACKOFF_S

    text = environ.get("ORCH_RETRY_BACKOFF", "").strip()
    if not text:
        return DEFAULT_BACKOFF_S
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):  # noqa: PLR2004 - 30 years
        raise UsageError(f"ORCH_RETRY_BACKOFF={visible(text)}: expected seconds by attempt, such as 60,180,600")
    return tuple(int(part) for part in parts)


def markdown_read_only(environ: Mapping[str, str]) -> bool:
    """Tell whether `ORCH_QUEUE_MD_READ_ONLY` forbids to change the Markdown queue; UsageError if it is unclear."""
    text = environ.get("ORCH_QUEUE_MD_READ_ONLY", "").strip().lower()
    if text not in ("", *_TRUE, *_FALSE):
        raise UsageError(f"ORCH_QUEUE_MD_READ_ONLY={visible(text)}: expected one of {', '.join(_TRUE + _FALSE)}")
    return text in _TRUE


def _cache_home(environ: Mapping[str, str]) -> str:
    """Return the user's cache folder, as the XDG Base Directory Specification has it; "" if there is none."""
    named, home = environ.get("XDG_CACHE_HOME", ""), environ.get("HOME", "")
    if named.startswith("/"):
        return named
    return f"{home}/.cache" if home.startswith("/") else ""


def _in_policy(policy: Policy | None, path: str | None) -> str | None:
    """Return a path that a policy names, as seen from the current folder."""
    import os.path

    if not path or policy is None:
        return None
    return os.path.join(os.path.dirname(policy.path or ""), path)


def _tz_minutes(environ: Mapping[str, str], policy: Policy | None) -> int:
    text = environ.get("ORCH_TZ_OFFSET", "").strip()
    if not text:
        named = policy.timezone_minutes if policy else None
        return DEFAULT_TZ_MINUTES if named is None else named
    try:
        hours = float(text) if text.isascii() and "_" not in text else float("nan")
    except ValueError:
        hours = float("nan")
    if not abs(hours) <= _MOST_TZ_HOURS:  # false for NaN too
        raise UsageError(f"ORCH_TZ_OFFSET={visible(text)}: expected hours east of UTC, such as 9")
    return round(hours * 60)
