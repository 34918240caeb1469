"""A policy file is a Policy, and what is no plain file is refused before it is read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from ops_checks.errors import InputError, UsageError
from ops_checks.model import FIELDS
from ops_checks.policy.loader import load_policy
from ops_checks.policy.model import DEFAULT_THRESHOLDS, ConsistencyPolicy, KpiPolicy, Policy
from ops_checks.rules.rule import Threshold
from ops_checks.rules.waivers import Waiver


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a policy in the current folder, still to be written."""
    monkeypatch.chdir(tmp_path)
    return Path("ops-checks.yaml")


def load(file: Path, text: str | bytes) -> Policy:
    """Write a policy and load it; its digest, which is another one for each text, is left out."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return replace(load_policy(str(file)), digest=None)


EVERYTHING = """\
# yaml-language-server: $schema=policy.schema.json
queue: docs/QUEUE.md
db: var/queue.db
log:
  - logs/orch_runs.jsonl
  - 'logs/old/*.jsonl.gz'
timezone: -03:30
source_of_truth: db

consistency:
  fields: [status, notes, status]
  severity: {missing-in-md: warning, field-mismatch: off}
  ignore_statuses: [DONE, FAILED]

kpi:
  thresholds:
    failure_rate: {max: 0.2, warn_max: 0.1, min_samples: 20, severity: warning}
    latency_p95_ms: 1500
    latency_p99_ms: {max: 1e4}
    malformed_lines: off
    success_rate: 0.9
    blocked: {min: 0, warn_min: 1}
  window: 7d
  max_log_age: 90s
  commands: [done, fail]
  stale_minutes: 90
  on_insufficient: fail
  log_cache: true

waivers:
  - rule: missing-in-db
    item: ORCH-110
    field: notes
    reason: imported on Monday
    owner: kim
    expires: 2024-02-29
  # the next one has no item

  - {rule: failure-rate, reason: 이관 중, owner: lee, expires: "2026-12-31"}
"""


def test_everything(file: Path):
    """Every key has its place in the Policy."""
    assert load(file, EVERYTHING) == Policy(
        path="ops-checks.yaml",
        queue="docs/QUEUE.md",
        db="var/queue.db",
        logs=("logs/orch_runs.jsonl", "logs/old/*.jsonl.gz"),
        timezone=-210,
        source_of_truth="db",
        consistency=ConsistencyPolicy(
            fields=("status", "notes"),
            severity={"missing-in-md": "warning", "field-mismatch": "off"},
            ignore_statuses=frozenset({"DONE", "FAILED"}),
        ),
        kpi=KpiPolicy(
            thresholds={
                "failure_rate": Threshold(max=0.2, warn_max=0.1, min_samples=20, severity="warning"),
                "latency_p95_ms": Threshold(max=1500),
                "stale_in_progress": Threshold(max=0),
                "latency_p99_ms": Threshold(max=10_000),
                "success_rate": Threshold(min=0.9),
                "blocked": Threshold(min=0, warn_min=1),
            },
            window_s=604_800,
            max_log_age_s=90,
            commands=frozenset({"done", "fail"}),
            stale_minutes=90,
            on_insufficient="fail",
        ),
        waivers=(
            Waiver("missing-in-db", "imported on Monday", "kim", "2024-02-29", "ORCH-110", "notes", 31),
            Waiver("failure-rate", "이관 중", "lee", "2026-12-31", line=39),
        ),
        warnings=("ops-checks.yaml:28:3: kpi.log_cache has no effect any more: take it out",),
    )


@pytest.mark.parametrize("text", ["{}", "---\n{}\n...\n", "kpi: {}", "consistency: {severity: {}}", "waivers: []"])
def test_defaults(file: Path, text: str):
    """What a policy leaves out is as without a policy."""
    assert load(file, text) == Policy(path="ops-checks.yaml")
    assert Policy().kpi.thresholds == DEFAULT_THRESHOLDS


@pytest.mark.parametrize(
    ("zone", "minutes"),
    [
        ("+09:00", 540),
        ("-09:30", -570),
        ("'+00:00'", 0),
        ("+14:00", 840),
        ("9", 540),
        ("+9", 540),
        ("-3.5", -210),
        ("5.75", 345),
        ("0", 0),
    ],
)
def test_timezone(file: Path, zone: str, minutes: int):
    """A zone is an offset or hours, in minutes east of UTC."""
    assert load(file, f"timezone: {zone}").timezone == minutes


@pytest.mark.parametrize(
    ("window", "seconds"), [("90m", 5400), ("24h", 86_400), ("7d", 604_800), ("999999m", 59_999_940)]
)
def test_window(file: Path, window: str, seconds: int):
    """A window is minutes, hours or days, in seconds."""
    assert load(file, f"kpi: {{window: {window}}}").kpi.window_s == seconds


@pytest.mark.parametrize(
    ("text", "logs"),
    [("log: a.jsonl", ("a.jsonl",)), ("log: [b, 'a*']", ("b", "a*")), ("{}", ())],
)
def test_log(file: Path, text: str, logs: tuple[str, ...]):
    """A log is a path or several, in their order."""
    assert load(file, text).logs == logs


def test_all_fields(file: Path):
    """`all` is every field but the id, by which items are matched."""
    assert load(file, "consistency: {fields: all}").consistency.fields == FIELDS[1:]


@pytest.mark.parametrize("text", ["\ufeffdb: q", "db: q\r\nqueue: é\r\n", "db: q\rqueue: w", "%YAML 1.2\n---\ndb: q"])
def test_encodings_and_line_ends(file: Path, text: str):
    """A byte order mark, and every kind of line end, are as good as another."""
    assert load(file, text).db == "q"


def test_core_schema(file: Path):
    """YAML 1.2 knows no `off` and `yes` that are truths, no dates and no sexagesimal numbers: they are text."""
    text = "db: yes\nqueue: 2001-01-01\nlog: 1:30\nkpi: {commands: [on, no, 0o9, 1_000, 0x]}"
    loaded = load(file, text)
    assert (loaded.db, loaded.queue, loaded.logs) == ("yes", "2001-01-01", ("1:30",))
    assert loaded.kpi.commands == frozenset({"on", "no", "0o9", "1_000", "0x"})


def _big(path: Path) -> None:
    path.write_bytes(b"#" * 2_000_000)


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 10**12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (str, "no such policy: name a YAML file with --policy"),
        (Path.mkdir, "is a directory, not a policy: name a YAML file with --policy"),
        (os.mkfifo, "is a FIFO, not a policy: name a YAML file with --policy"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not a policy: name a YAML file with --policy"),
        (
            lambda path: path.symlink_to(path.name),
            "cannot be opened (Too many levels of symbolic links): check the path and its permissions",
        ),
        (_big, "over 1,000,000 bytes, too large for a policy"),
        (_sparse, "over 1,000,000 bytes, too large for a policy"),
    ],
)
def test_no_file_to_read(file: Path, make, message: str):
    """What is no plain file of a sensible size is refused before it is read, and never waited for."""
    make(file)
    with pytest.raises(UsageError) as caught:
        load_policy(str(file))
    assert caught.value.message == f"ops-checks.yaml: {message}"
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("path", ["", "a\0b", "a\nb", "\udc80", "x" * 5000])
def test_impossible_path(path: str):
    """A path that no file can have is told on one line."""
    with pytest.raises(UsageError) as caught:
        load_policy(path)
    assert caught.value.message.isprintable()
    assert re.search(r"(no such policy|has such a path|is empty|cannot be opened \(.+\)): ", caught.value.message)


def test_largest_file(file: Path):
    """A file of 1 MB is read, if it is comments."""
    text = "db: x\n" + "# prose\n" * 124_999
    assert load(file, text.ljust(1_000_000, "#")).db == "x"


def test_symlink(file: Path):
    """A policy may be a symlink, and is named as the user named it."""
    Path("real.yaml").write_text("db: x")
    file.symlink_to("real.yaml")
    assert load_policy("ops-checks.yaml").path == "ops-checks.yaml"


def test_light():
    """Importing the policy's words costs no YAML and no JSON Schema."""
    code = "import sys, ops_checks.policy.model; print(*{'ruamel.yaml', 'jsonschema', 'json'} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == ""


def test_pipe_put_there_meanwhile(file: Path, monkeypatch: pytest.MonkeyPatch):
    """A pipe that takes the file's place after the first look is refused too, and never waited for."""
    file.touch()
    seen = file.stat()
    file.unlink()
    os.mkfifo(file)
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda _path: seen)
        with pytest.raises(UsageError, match="is a FIFO"):
            load_policy(str(file))


@pytest.mark.skipif(sys.platform != "linux", reason="a file that fails when it is read: only Linux has one")
def test_a_policy_that_fails_while_it_is_read_is_no_wrong_policy():
    """A failing disk is the system's fault, not a wrong argument."""
    with pytest.raises(InputError, match=r"cannot be read \(Input/output error\)"):
        load_policy("/proc/self/mem")
