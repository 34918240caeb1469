"""Where each setting comes from (FORMATS section 8)."""

from __future__ import annotations

import pytest

from ops_checks.context import DEFAULT_DB, DEFAULT_LOG, DEFAULT_QUEUE
from ops_checks.errors import UsageError
from ops_checks.policy.model import Policy
from ops_checks.settings import resolve

POLICY = Policy(
    path="conf/ops-checks.yaml",
    queue="p.md",
    db="p.db",
    logs=("p1.jsonl", "/abs/p2.jsonl"),
    source_of_truth="db",
    timezone=-330,
)
ENVIRON = {"ORCH_QUEUE_MD": "e.md", "ORCH_DB_PATH": "e.db", "ORCH_LOG_PATH": "e.jsonl", "ORCH_TZ_OFFSET": "1"}
LINE = {"queue": "l.md", "db": "l.db", "logs": ("l1.jsonl", "l2.jsonl")}


@pytest.mark.parametrize(
    ("environ", "policy", "line", "expected"),
    [
        ({}, None, {}, (DEFAULT_QUEUE, DEFAULT_DB, False, (DEFAULT_LOG,), 540, "markdown")),
        ({}, Policy(), {}, (DEFAULT_QUEUE, DEFAULT_DB, False, (DEFAULT_LOG,), 540, "markdown")),
        ({}, POLICY, {}, ("conf/p.md", "conf/p.db", True, ("conf/p1.jsonl", "/abs/p2.jsonl"), -330, "db")),
        (ENVIRON, POLICY, {}, ("e.md", "e.db", True, ("e.jsonl",), 60, "db")),
        (ENVIRON, None, {}, ("e.md", "e.db", True, ("e.jsonl",), 60, "markdown")),
        (ENVIRON, POLICY, LINE, ("l.md", "l.db", True, ("l1.jsonl", "l2.jsonl"), 60, "db")),
        (dict.fromkeys(ENVIRON, ""), None, {}, (DEFAULT_QUEUE, DEFAULT_DB, False, (DEFAULT_LOG,), 540, "markdown")),
    ],
)
def test_command_line_then_environment_then_policy_then_default(
    environ: dict[str, str], policy: Policy | None, line: dict[str, object], expected: tuple[object, ...]
) -> None:
    """The command line stands above the environment, that above the policy, that above the defaults."""
    found = resolve(environ, policy, **line)
    assert (found.queue, found.db, found.db_named, found.logs, found.zone, found.source_of_truth) == expected


@pytest.mark.parametrize(
    ("text", "minutes"), [("9", 540), ("-5.5", -330), ("0", 0), ("+5.75", 345), (" 14 ", 840), ("", 540), (" ", 540)]
)
def test_zone(text: str, minutes: int) -> None:
    """The zone is hours east of UTC, halves and quarters too; UTC+09:00 without a word."""
    assert resolve({"ORCH_TZ_OFFSET": text}, None).zone == minutes


@pytest.mark.parametrize(
    "text", ["x", "nan", "1_0", "\uff19", "inf", "-inf", "15", "-14.1", "9h", "Asia/Seoul", "1e9", "\x1b"]
)
def test_a_zone_that_is_none(text: str) -> None:
    """A zone that is no number of hours is a usage error that shows it in one line."""
    with pytest.raises(UsageError, match="ORCH_TZ_OFFSET=") as caught:
        resolve({"ORCH_TZ_OFFSET": text}, None)
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", (60, 180, 600)), ("5", (5,)), ("60,180,600", (60, 180, 600)), (" 1 , 2 ", (1, 2)), ("0", (0,))],
)
def test_backoff(text: str, seconds: tuple[int, ...]) -> None:
    """The waits are seconds by attempt, comma separated."""
    assert resolve({"ORCH_RETRY_BACKOFF": text}).retry_backoff_s == seconds


@pytest.mark.parametrize("text", ["x", "1,,2", "1,", "-1", "1.5", "1;2", "²", "9" * 10, "nan"])
def test_a_backoff_that_is_none(text: str) -> None:
    """Waits that are no seconds are a usage error."""
    with pytest.raises(UsageError, match="ORCH_RETRY_BACKOFF="):
        _ = resolve({"ORCH_RETRY_BACKOFF": text}).retry_backoff_s


@pytest.mark.parametrize(
    ("text", "read_only"),
    [
        *((text, True) for text in ("1", "true", "yes", "on", "TRUE", " Yes ")),
        *((text, False) for text in ("", "0", "no", "off")),
    ],
)
def test_read_only(text: str, read_only: bool) -> None:  # noqa: FBT001 - a column
    """1, true, yes and on make the Markdown queue read-only, in any case."""
    assert resolve({"ORCH_QUEUE_MD_READ_ONLY": text}).markdown_read_only is read_only


@pytest.mark.parametrize("text", ["2", "y", "maybe", "\n1;"])
def test_an_unclear_read_only_is_an_error(text: str) -> None:
    """A guard that nobody can read is no permission to write."""
    with pytest.raises(UsageError, match="ORCH_QUEUE_MD_READ_ONLY="):
        _ = resolve({"ORCH_QUEUE_MD_READ_ONLY": text}).markdown_read_only
