"""GitHub workflow commands."""

from __future__ import annotations

import pytest
from format_readers import read_github
from report_samples import MISMATCH, ONLY_IN_MD, SAMPLES, WAIVED, rate, report, rule

from ops_checks.findings import Place, Verdict
from ops_checks.formats import FORMATS, RenderOptions


def shown(sample, **options):
    """Return a report as lines of commands, without the first, which is the report in a sentence."""
    rendered = FORMATS["github"].render(sample, RenderOptions(**options))
    read_github(rendered)
    first, *lines = rendered.split("\n")
    assert first.startswith("::notice title=ops-checks::") or not rendered
    return lines[:-1]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("pass", []),
        (
            "drift",
            [
                "::error file=ops/QUEUE.md,line=42,col=3,title=ops-checks missing-in-db::"
                "ORCH-110 is missing in the database"
            ],
        ),
        (
            "alert",
            [
                "::error file=ops/runs.jsonl,line=1,col=1,title=ops-checks failure-rate::failure-rate says fail "
                "(value 0.5, limit <= 0.2, samples 40, 95 %25 interval 0.3523 to 0.6477)",
                "::error file=ops/runs.jsonl,line=18,col=1,title=ops-checks failure-rate::ORCH-4 "
                "trace-ba9876543210 fail ended with exit code 0",
            ],
        ),
        (
            "waived",
            [
                "::notice file=ops/QUEUE.md,line=10,col=2,title=ops-checks field-mismatch::ORCH-8 "
                "status: md=IN_PROGRESS db=DONE (waived: agreed with the team)"
            ],
        ),
        ("error, no rule", ["::error title=ops-checks::a", "::error title=ops-checks::b"]),
    ],
)
def test_commands(name, lines):
    """One command for each finding on its line, and for each rule with a limit."""
    assert shown(SAMPLES[name]) == lines


@pytest.mark.parametrize(
    ("text", "data", "title"),
    [
        ("100%", "100%25", "100%25"),
        ("a\r\nb", r"a\r\nb", r"a\r\nb"),
        ("%0A", "%250A", "%250A"),
        ("a:b,c", "a:b,c", "a%3Ab%2Cc"),
        ("::error::x", "::error::x", "%3A%3Aerror%3A%3Ax"),
        ("##[error]x", "## [error]x", "## [error]x"),
        ("\x1b]0;x\x07", r"\x1b]0;x\x07", r"\x1b]0;x\x07"),
    ],
)
def test_escapes(text, data, title):
    """Data and properties are escaped as the runner unescapes them."""
    (line,) = shown(report(rule(text, Verdict.WARN, message=text), inputs=()))
    assert line == f"::warning title=ops-checks {title}::{data}"


def many(count, *, verdict=Verdict.FAIL, waived=0, more=0):
    """Return a report with so many drifts of each kind."""
    drifts = [ONLY_IN_MD._replace(item=f"I-{number}", message="is missing") for number in range(count)]
    accepted = [WAIVED._replace(item=f"W-{number}") for number in range(waived)]
    return rule("missing-in-db", verdict, *drifts, *accepted, more_findings=more)


def levels(lines):
    """Return how many commands there are of each level."""
    return {level: sum(line.startswith(f"::{level} ") for line in lines) for level in ("error", "warning", "notice")}


@pytest.mark.parametrize(
    ("rules", "counts", "last"),
    [
        ([many(10, waived=9)], (10, 0, 9), None),
        ([many(11)], (10, 0, 1), "not shown here: 1 more error: see the whole report"),
        ([many(10, more=5)], (10, 0, 1), "not shown here: 5 more errors: see the whole report"),
        ([many(11, waived=10)], (10, 0, 9), "not shown here: 1 more error, 2 more notices: see the whole report"),
        ([many(2, waived=11)], (2, 0, 9), "not shown here: 3 more notices: see the whole report"),
        (
            [many(12), many(30, verdict=Verdict.WARN), many(0, verdict=Verdict.PASS, waived=40)],
            (10, 10, 9),
            "not shown here: 2 more errors, 20 more warnings, 32 more notices: see the whole report",
        ),
    ],
)
def test_ten_a_level(rules, counts, last):
    """GitHub shows ten of a level: the first notice is the sentence, and the tenth counts the others."""
    lines = shown(report(*rules))
    assert tuple(levels(lines).values()) == counts
    assert (lines[-1] == f"::notice title=ops-checks::{last}") is (last is not None)


def test_most_severe_first():
    """Errors, then warnings, then notices, whatever the order of the rules."""
    sample = report(many(1, verdict=Verdict.WARN), many(0, verdict=Verdict.PASS, waived=1), many(1), rate(Verdict.FAIL))
    assert [line.split(" ")[0] for line in shown(sample)] == ["::error", "::error", "::warning", "::notice"]


def test_paths_are_relative_to_the_workspace():
    """Paths are those of the repository, from whatever folder the gate ran in."""
    sample = report(rule("field-mismatch", Verdict.FAIL, MISMATCH._replace(places=(Place("../QUEUE.md", 7, 2),))))
    assert shown(sample, folder="/w/repo/ops", root="/w/repo")[0].startswith("::error file=QUEUE.md,line=7,col=2,")
    assert shown(sample)[0].startswith("::error file=ops/QUEUE.md,line=1,col=1,")


def test_a_long_path_stays_whole():
    """A title has at most 255 characters; a path that was cut would lead nowhere."""
    path = "/".join(["folder"] * 60) + "/QUEUE.md"
    finding = ONLY_IN_MD._replace(places=(Place(path, 3),))
    (line,) = shown(report(rule("x" * 300, Verdict.FAIL, finding, group="consistency")))
    assert f"file={path},line=3," in line
    assert len(line.partition("title=")[2].partition("::")[0]) == 255
