"""No report, however made, gets a format past what its readers publish that they accept."""

import gzip
import json

import pytest
from lxml import etree
from msgspec.structs import replace
from report_samples import LOG, report, rule

from ops_checks.findings import Finding, Place, Verdict
from ops_checks.formats import FORMATS
from ops_checks.presentation.limits import cut_lines, fitting, shorten

MANY = 26_000
LONG = "낱말 " * 30_000


def findings(count: int, *, waived: bool = False, text: str = "t") -> list[Finding]:
    """Return so many findings of one rule, on lines of their own."""
    return [
        Finding(
            "missing-in-db",
            f"I-{number} {text}",
            item=f"I-{number}",
            places=(Place("ops/QUEUE.md", number + 1),),
            suppressed="known (kim, until 2030-01-31)" if waived else None,
        )
        for number in range(count)
    ]


def drift(*found: Finding, more: int = 0, verdict: Verdict = Verdict.FAIL):
    """Return a report of one rule with these findings, and so many more that it does not list."""
    return report(rule("missing-in-db", verdict, *found, more_findings=more))


REPORTS = {
    "live": drift(*findings(MANY), more=7),
    "waived": drift(*findings(MANY, waived=True)),
    "one waived": drift(*findings(MANY), *findings(1, waived=True)),
    "all waived, and the rule passes": drift(*findings(MANY, waived=True), verdict=Verdict.PASS),
    "long": drift(*findings(300, text=LONG)),
    "long and waived": drift(*findings(300, waived=True, text=LONG)),
    "many rules": report(*(rule(f"rule-{number}", Verdict.FAIL, value=1) for number in range(MANY))),
    "many errors": replace(report(errors=tuple(f"{number} {LONG}"[:2_000] for number in range(MANY)))),
    "many notes": replace(report(notes=tuple(f"note {number}" for number in range(MANY)))),
    "long help": report(
        *(replace(rule(f"r-{n}", Verdict.FAIL), help=LONG, title=LONG, message=LONG) for n in range(99))
    ),
    "many inputs": report(inputs=tuple(replace(LOG, path=f"{number}/{LONG[:3_000]}") for number in range(2_000))),
}


@pytest.fixture(params=REPORTS.values(), ids=REPORTS)
def large(request):
    """Return one large report after the other."""
    return request.param


def test_sarif(large):
    """GitHub takes 25,000 results, of which it shows 5,000, 25,000 rules, 100 locations, 10 tags, 10 MB of gzip."""
    text = FORMATS["sarif"].render(large)
    assert len(gzip.compress(text.encode(), 1)) < 10_000_000
    (run,) = json.loads(text)["runs"]
    assert len(run["results"]) <= 5_000
    assert len(run["tool"]["driver"]["rules"]) <= 25_000
    assert all(len(result["locations"]) <= 100 for result in run["results"])
    assert all(result["ruleIndex"] < len(run["tool"]["driver"]["rules"]) for result in run["results"])


def test_sarif_keeps_the_worst_and_counts_the_others():
    """Live findings before waived ones; a notification says how many are left out."""
    both = drift(*findings(3_000, waived=True), *findings(3_000), more=7)
    (run,) = json.loads(FORMATS["sarif"].render(both))["runs"]
    kinds = ["suppressions" in result for result in run["results"]]
    assert kinds == [False] * 3_000 + [True] * 2_000
    notes = [each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]]
    assert notes[-1] == "1007 more findings are not listed here: see the whole report (-f json)"


def test_gitlab(large):
    """A code quality artifact has at most 10 MB; what is left out is counted in the last issue."""
    text = FORMATS["gitlab"].render(large)
    assert len(text.encode()) < 10_000_000
    issues = json.loads(text)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


def test_junit(large):
    """No node is longer than what libxml2 takes, which GitLab parses with."""
    root = etree.fromstring(FORMATS["junit"].render(large).encode())
    assert all(len((each.text or "").encode()) <= 10_000_000 for each in root.iter())
    assert len(root.findall(".//testcase")) <= 500_000


def test_github(large):
    """Ten annotations a level, each message at most 64 KB."""
    lines = FORMATS["github"].render(large).splitlines()
    assert max(sum(line.startswith(f"::{level} ") for line in lines) for level in ("error", "warning", "notice")) <= 10
    assert all(len(line.rpartition("::")[2].encode()) <= 65_536 for line in lines)


def test_markdown(large):
    """A comment has at most 65,536 characters, a step's summary 1 MiB."""
    text = FORMATS["markdown"].render(large)
    assert len(text) <= 65_536
    assert len(text.encode()) <= 1 << 20


def test_html(large):
    """A page has 1 MB at most, whatever is in the report."""
    assert len(FORMATS["html"].render(large).encode()) <= 1_000_000


def test_openmetrics(large):
    """No label is longer than 2,048 characters."""
    labels = FORMATS["openmetrics"].render(large).split('"')[1::2]
    assert max(map(len, labels), default=0) <= 2_048


@pytest.mark.parametrize("name", ["sarif", "gitlab", "junit", "github", "markdown", "html"])
def test_what_is_left_out_is_counted(name):
    """Every format that cuts says so."""
    assert "more" in FORMATS[name].render(REPORTS["live"])


def test_text_lists_fifty_waived_findings_and_counts_the_others():
    """Nobody reads 26,000 lines of what is settled."""
    lines = FORMATS["text"].render(REPORTS["waived"]).splitlines()
    assert sum("waived: known" in line for line in lines) == 50
    assert f"  and {MANY - 50} more" in lines


def test_json_holds_everything():
    """JSON has no reader of that kind."""
    assert len(json.loads(FORMATS["json"].render(REPORTS["one waived"]))["rules"][0]["findings"]) == MANY + 1


def test_parts_that_fit():
    """The first part that does not fit ends the list, though a later one might."""
    assert fitting([3, 3, 5, 1], 8, lambda part: part) == [3, 3]
    assert (shorten("abcd", 4), shorten("abcde", 4)) == ("abcd", "abc…")
    assert cut_lines(["a" * 50] * 4, 300) == ["a" * 50] * 4
    assert cut_lines(["a" * 50] * 4, 190) == ["a" * 50] * 2 + ["and 2 more lines: see the whole report (-f json)"]
