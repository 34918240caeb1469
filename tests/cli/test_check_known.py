"""`check --known` and `report A B`: what is new fails, what is known is shown, and what does not fit is an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import execute, item, make_database, make_markdown
from conftest import NOW_S
from format_readers import READERS

from ops_checks.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Told

    Run = Callable[..., Told]

LIMITS = "{failure_rate: off, latency_p95_ms: 50, stale_in_progress: 0}"
POLICY = "queue: ops/Q.md\ndb: ops/q.db\nlog: ops/l.jsonl\nkpi: {thresholds: LIMITS}\nconsistency: {settle: 0s}\n"
SLOW = '{"event":"run_end","command":"done","exit_code":0,"duration_ms":90}\n'
DAY_S = 86_400


def lay(drifted: range, *, stale: range = range(0), policy: str = "") -> None:
    """Lay a project whose queues differ in some items, in which some are stale, and whose runs are slow."""
    Path("ops").mkdir(exist_ok=True)
    Path("ops/q.db").unlink(missing_ok=True)
    old = [item(f"S-{each}", "IN_PROGRESS", owner_session="kim", started_at_kst="2025-12-01 00:00") for each in stale]
    make_markdown(
        Path("ops/Q.md"), [*old, *(item(f"D-{each}", task=f"Task {each}", owner_session="kim") for each in drifted)]
    )
    make_database(
        Path("ops/q.db"),
        [*old, *(item(f"D-{each}", "DONE", task=f"Task {each}", owner_session="kim") for each in drifted)],
    )
    Path("ops/l.jsonl").write_text(SLOW)
    Path("ops-checks.yaml").write_text(POLICY.replace("LIMITS", LIMITS) + policy)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that lets so many days pass."""
    return lambda days: monkeypatch.setattr("time.time", lambda: float(NOW_S + days * DAY_S))


def rules(name: str) -> dict[str, dict[str, object]]:
    """Return the rules of a saved report by id."""
    return {rule["id"]: rule for rule in json.loads(Path(name).read_text())["rules"]}


def test_the_story(run: Run, folder: Path, later: Callable[[int], None]) -> None:
    """What was there fails nothing, with its age; one more fails; what is mended is told; the next run goes on."""
    assert folder
    lay(range(60), stale=range(30))
    assert run("check", "-f", "json=day0.json").code == 1
    later(2)
    told = run("check", "--known", "day0.json", "-f", "text", "-f", "json=day2.json")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("PASS nothing new since 2 January, 91 known\n")
    assert "  stale-in-progress  ops/q.db:queue_items:S-0  S-0 " in told.out
    assert "\n  and 70 more\n" in told.out
    assert "known since 2 January, for 2 days\n" in told.out
    assert (
        "latency_p95_ms is 90, above 50; known: it was violated in the known report too (90)  known since" in told.out
    )
    later(4)
    lay(range(2, 62), stale=range(31))
    told = run("check", "--known", "day2.json", "-f", "text", "-f", "json=day4.json")
    assert told.code == 1
    assert told.out.startswith("FAIL 3 new since 4 January: D-60, D-61, S-30; 2 gone\n")
    assert "\n  field-mismatch: D-0 status: md=PENDING db=DONE (since 2 January, for 4 days)\n" in told.out
    later(6)
    assert run("check", "--known", "day4.json").out.startswith("PASS nothing new since 6 January, 92 known\n")
    mismatch = rules("day4.json")["field-mismatch"]
    assert (mismatch["value"], len(mismatch["findings"]), len(mismatch["unlisted"])) == (60, 52, 8)  # type: ignore[arg-type]
    assert run("report", "day2.json", "day4.json", "-f", "health").out.endswith(" new=3 known=89 gone=2\n")


def test_warnings_and_a_part_of_the_checks(run: Run, folder: Path) -> None:
    """A known warning fails no --fail-level warn, and a run of one group is compared with a report of all."""
    assert folder
    lay(range(3))
    text = POLICY.replace("LIMITS", "{latency_p95_ms: {warn_max: 50}}")
    Path("ops-checks.yaml").write_text(text.replace("0s}", "0s, severity: {field-mismatch: warning}}"))
    assert run("check", "--fail-level", "warn", "-f", "json=a.json").code == 1
    assert run("check", "--fail-level", "warn", "--known", "a.json").code == 0
    assert run("check", "--fail-level", "warn", "--known", "a.json", "--only", "kpi").code == 0
    assert run("check", "--known", "a.json", "--only", "kpi", "-f", "json=kpi.json").code == 0
    told = run("check", "--known", "kpi.json")
    assert told.code == 3
    assert told.err.startswith("error: kpi.json: made without a queue, this one is of queue ops/Q.md: name a report ")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_the_difference(run: Run, folder: Path, name: str, later: Callable[[int], None]) -> None:
    """What is new, known, gone and changed is in every format of two reports, and its readers accept it."""
    assert folder
    lay(range(3))
    run("check", "-f", "json=a.json")
    later(1)
    lay(range(1, 5))
    Path("ops/l.jsonl").write_text(SLOW.replace("90", "20"))
    run("check", "-f", "json=b.json")
    told = run("report", "a.json", "b.json", "-f", name)
    assert (told.code, told.err) == (0, "")
    read = READERS[name](told.out)
    texts = "\n".join(read.texts) + told.out
    wanted = {
        "health": ["new=2 known=2 gone=2"],
        "openmetrics": [
            "new_findings 2",
            "known_findings 2",
            "gone_findings 2",
            'rule_value_before{rule="latency-p95-ms"} 90',
        ],
        "json": ['"since_ms": 1767279600000', '"gone": [', '"changes": [', '"new": 2'],
        "sarif": ['"baselineState": "new"', '"unchanged"', '"absent"', "changed: latency-p95-ms: fail 90 ms before"],
    }.get(
        name,
        ["D-3", "D-4", "known since 2 January, for 1 day", "D-0", "latency-p95-ms: fail 90 ms before, now pass 20 ms"],
    )
    for each in wanted:
        assert each in texts, each


def test_a_report_has_nothing_new_since_itself(run: Run, folder: Path) -> None:
    """The difference of a report with itself is nothing new, nothing gone, nothing changed."""
    assert folder
    lay(range(70), stale=range(40))
    run("check", "-f", "json=a.json")
    told = run("report", "a.json", "a.json", "-f", "json")
    compared = json.loads(told.out)
    assert (compared["summary"]["new"], compared["known"]["gone"], compared["known"]["changes"]) == (0, [], [])
    assert compared["exit_code"] == 1


#: What stands in a file that is given as a known report, and how the one line on it begins.
ODD = [
    (None, "error: known.json: no such report: name a file that"),
    (b"", "error: known.json:1:1: not JSON: it ends too early"),
    (b"[]", "error: known.json: the whole: expected an object, found a list"),
    (b"\xff", "error: known.json:1: not UTF-8"),
    (b'{"schema_version": "2.0"}', "error: known.json: schema_version: this is a report of version 2.0"),
    (b'{"schema": "ops-checks/error/1"}', "error: known.json: the whole: "),
    (b"SQLite format 3\0", "error: known.json: is a SQLite database, not the report"),
    (b"| id | status |\n", "error: known.json"),
    (b"[" * 100_000, "error: known.json: no report: nested too deep"),
]


@pytest.mark.parametrize(("data", "told"), ODD)
@pytest.mark.parametrize("command", [("check", "--known", "known.json"), ("report", "known.json", "a.json")])
def test_what_is_no_report(run: Run, folder: Path, command: tuple[str, ...], data: bytes | None, told: str) -> None:
    """A file that is no report is exit 3 and one line, whatever the gate would say."""
    assert folder
    lay(range(1))
    run("check", "-f", "json=a.json")
    if data is not None:
        Path("known.json").write_bytes(data)
    shown = run(*command)
    assert (shown.code, shown.out, shown.err.count("\n")) == (3, "", 1)
    assert shown.err.startswith(told)


def test_a_report_of_another_project(run: Run, folder: Path) -> None:
    """Other queues, other rules, rules that were errors: exit 3, one line that says which; nothing is known."""
    assert folder
    lay(range(3))
    run("check", "-f", "json=a.json")
    make_markdown(folder / "other.md", [item("D-1")])
    told = run("check", "--known", "a.json", "--queue-path", "other.md")
    assert (told.code, told.err.count("\n")) == (3, 1)
    assert told.err.startswith("error: a.json: made of queue ops/Q.md, this one is of queue other.md: name a report ")
    assert "known:" not in told.out
    told = run("check", "--known", "a.json", "--only", "history")
    assert told.code == 3
    assert told.err.startswith("error: a.json: lacks the rules picked-twice, retried-beyond-max, ")
    assert " and 2 more, evaluated now: make it again with `ops-checks check -f json=FILE`\n" in told.err
    (folder / "ops/l.jsonl").rename("moved")
    run("check", "-f", "json=b.json")
    (folder / "moved").rename("ops/l.jsonl")
    told = run("check", "--known", "b.json")
    assert told.code == 3
    assert told.err.startswith("error: b.json: could not evaluate the rules latency-p95-ms, stale-in-progress, ")
    assert run("report", "b.json", "a.json").code == 3
    assert run("report", "a.json", "b.json").code == 0


ADDED = "INSERT INTO queue_events (event_id, item_id, event_type, created_at) VALUES ({}, 'D-1', 'added', '{}')"


@pytest.mark.parametrize(
    ("then", "now", "fits"),
    [
        ([(1, "2026-01-01 09:00")], [(1, "2026-01-01 09:00"), (2, "2026-01-01 10:00")], True),
        ([(1, "2026-01-01 09:00")], [(1, "2026-01-01 09:00")], True),
        ([(1, "2026-01-01 09:00"), (7, "2026-01-01 09:30")], [(9, "2026-01-01 10:00")], True),  # pruned since
        ([], [(1, "2026-01-01 09:00")], True),
        ([(1, "2026-01-01 09:00")], [(1, "2026-01-01 08:00"), (2, "2026-01-01 10:00")], False),
        ([(1, "2026-01-01 09:00")], [(1, "2026-01-01 09:01")], False),
        ([(5, "2026-01-01 09:00")], [(1, "2026-01-01 09:00")], False),
        ([(5, "2026-01-01 09:00")], [], False),
    ],
)
def test_a_project_of_the_same_paths(
    run: Run, folder: Path, then: list[tuple[int, str]], now: list[tuple[int, str]], *, fits: bool
) -> None:
    """Two projects of one layout differ in what has happened: the newest event of then is there still, or pruned."""
    assert folder
    for events, name in ((then, "a.json"), (now, "b.json")):
        lay(range(3))
        execute("ops/q.db", "; ".join(ADDED.format(*event) for event in events))
        assert run("check", "-f", f"json={name}").code == 1
    told = run("check", "--known", "a.json", "-f", "health")
    compared = run("report", "a.json", "b.json", "-f", "health")
    if fits:
        assert (told.code, compared.code) == (0, 0)
        return
    number, time = then[-1]
    assert (told.code, told.out.partition(" ")[0]) == (3, "HEALTH_ERROR")
    assert told.err == (
        f"error: a.json: its newest event, {number} of {time}, is none of ops/q.db: name a report of the same queues, "
        "or make it again with `ops-checks check -f json=FILE`\n"
    )


def test_the_same_files_by_other_paths(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative, absolute, through a link, from a folder below: the same queues."""
    lay(range(3))
    run("check", "-f", "json=a.json")
    (folder / "link").symlink_to("ops")
    for queue in (folder / "ops/Q.md", "./ops/../ops/Q.md", "link/Q.md"):
        assert run("check", "--known", "a.json", "--queue-path", queue).code == 0
    run("check", "-f", "json=b.json", "--queue-path", folder / "ops/Q.md", "--db-path", folder / "ops/q.db")
    assert run("check", "--known", "b.json").code == 0
    monkeypatch.chdir("ops")
    assert run("check", "--known", "../a.json").code == 0


def test_the_known_report_is_an_input(run: Run, folder: Path) -> None:
    """It is not written over by what was compared with it, and two names are asked for, before anything is judged."""
    assert folder
    lay(range(3))
    run("check", "-f", "json=a.json")
    before = Path("a.json").read_bytes()
    Path("hard.json").hardlink_to("a.json")
    for name in ("a.json", "./a.json", "hard.json"):
        told = run("check", "--known", "a.json", "-f", f"json={name}")
        assert told.code == 4
        assert "a.json" in told.err
        assert "is an input: name another file" in told.err
    assert Path("a.json").read_bytes() == before
    told = run("report", "a.json", "hard.json", "-f", "json=a.json")
    assert told.code == 4


def test_an_expired_waiver_stays_red(run: Run, folder: Path, later: Callable[[int], None]) -> None:
    """A waiver that has expired fails although what it was for is known."""
    assert folder
    waiver = "waivers: [{rule: field-mismatch, item: D-0, reason: r, owner: kim, expires: '2026-01-03'}]\n"
    lay(range(1), policy=waiver)
    run("check", "-f", "json=a.json")
    assert [each["suppressed"] for each in rules("a.json")["field-mismatch"]["findings"]] != [None]  # type: ignore[attr-defined]
    later(9)
    told = run("check", "--known", "a.json")
    assert told.code == 1
    assert "FAIL waiver-expired" in told.out


def test_malformed_lines_stay_an_error(run: Run, folder: Path) -> None:
    """A log that cannot be relied on is exit 3, however often it was seen."""
    assert folder
    lay(range(1))
    Path("ops/l.jsonl").write_text(SLOW + "no record\n")
    assert run("check", "-f", "json=a.json").code == 3
    told = run("check", "--known", "a.json")
    assert told.code == 3
    assert "ops/l.jsonl:2" in told.err
