"""Text for a terminal, to the byte."""

from __future__ import annotations

import re

import pytest
from report_samples import EVERYTHING, KOREAN, MISMATCH, ONLY_IN_MD, SAMPLES, SLOW, report, rule

from ops_checks.findings import Verdict
from ops_checks.formats import FORMATS, RenderOptions
from ops_checks.presentation.widths import display_width

READ = """\
read: queue ops/QUEUE.md (31 items)
read: db ops/queue.db (30 items)
read: log ops/runs.jsonl (200 lines)
"""


def shown(sample):
    """Return a report as text without colour."""
    return FORMATS["text"].render(sample)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nothing ran", f"PASS no rule ran\n\npassed: none\n{READ}no rules; 0 findings, exit code 0\n"),
        (
            "pass",
            f"PASS 2 rules met\n\npassed: missing-in-db, failure-rate\n{READ}2 pass; 0 findings, exit code 0\n",
        ),
        (
            "waived",
            "PASS 1 rule met\n\nwaived:\n"
            "  field-mismatch  ops/QUEUE.md:10:2  ORCH-8  status: md=IN_PROGRESS db=DONE"
            "  waived: agreed with the team\n\n"
            f"passed: field-mismatch\n{READ}1 pass; 0 findings, 1 waived, exit code 0\n",
        ),
        (
            "insufficient",
            "WARN 1 of 1 rule not met\n\n"
            "INSUFFICIENT failure-rate: failure-rate says insufficient\n"
            "  limit <= 0.2, samples 0, more samples needed 5\n"
            "  help: Do what failure-rate asks for.\n\n"
            f"passed: none\n{READ}1 insufficient; 0 findings, exit code 0\n",
        ),
        (
            "insufficient passes",
            "PASS no rule violated\n\n"
            "INSUFFICIENT failure-rate: failure-rate says insufficient (counts as pass)\n"
            "  value 0.5, limit <= 0.2, samples 3, 95 % interval 0.3523 to 0.6477, more samples needed 2\n"
            "  help: Do what failure-rate asks for.\n\n"
            f"passed: none\n{READ}1 insufficient; 0 findings, exit code 0\n",
        ),
        (
            "alert",
            "FAIL 1 of 1 rule not met\n\n"
            "FAIL failure-rate: failure-rate says fail\n"
            "  value 0.5, limit <= 0.2, samples 40, 95 % interval 0.3523 to 0.6477\n"
            "  ops/runs.jsonl:18  ORCH-4 trace-ba9876543210  fail ended with exit code 0\n"
            "  help: Do what failure-rate asks for.\n\n"
            f"passed: none\n{READ}1 fail; 1 finding, exit code 2\n",
        ),
        (
            "error, no rule",
            "ERROR 2 inputs could not be evaluated\nerror: a\nerror: b\n\npassed: none\n"
            "no rules; 0 findings, exit code 3\n",
        ),
    ],
)
def test_small_reports(name, text):
    """The verdict first, then each rule not met with its evidence and offenders, then what holds, then counts."""
    assert shown(SAMPLES[name]) == text


def test_order_and_counts():
    """The worst rules come first whatever their order in the report; unlisted findings are counted."""
    lines = shown(EVERYTHING).split("\n")
    heads = [line.split(" ")[0] for line in lines if re.match("(FAIL|WARN|INSUFFICIENT|ERROR) ", line)]
    assert heads == ["FAIL", *["FAIL"] * 4, *["WARN"] * 3, "INSUFFICIENT"]
    assert "  and 3 more" in lines
    assert lines[-2] == "4 fail, 3 warn, 1 insufficient, 2 pass; 10 findings, 1 waived, exit code 1"


def test_columns_are_aligned():
    """Offenders stand in columns, also with Korean text, and a column that is empty everywhere is left out."""
    korean_item = KOREAN._replace(item="작업-7")
    rows = shown(report(rule("field-mismatch", Verdict.FAIL, korean_item, MISMATCH))).split("\n")[3:5]
    assert rows == [
        "  ops/QUEUE.md:8:1   작업-7    task: md=대기열 정리 db=대기열 정리 (2차)",
        "  ops/QUEUE.md:7:12  ORCH-102  status: md=IN_PROGRESS db=DONE",
    ]


def test_offender_numbers():
    """An offender's number is shown in the rule's unit, unless its message has it."""
    quiet = SLOW._replace(message="was slow")
    lines = shown(report(rule("latency-p95-ms", Verdict.FAIL, quiet, SLOW, unit="ms"))).split("\n")
    assert lines[3:5] == [
        "  ops/runs.jsonl:17  ORCH-3 trace-0123456789ab  9999 ms  was slow",
        "  ops/runs.jsonl:17  ORCH-3 trace-0123456789ab           done took 9999 ms",
    ]


def test_a_huge_cell_pads_no_other():
    """A cell that is wider than 48 columns does not push the others apart."""
    wide = ONLY_IN_MD._replace(item="X" * 1000)
    lines = shown(report(rule("missing-in-db", Verdict.FAIL, wide, ONLY_IN_MD))).split("\n")
    assert lines[4] == "  ops/QUEUE.md:42:3  " + "ORCH-110".ljust(48) + "  is missing in the database"


def test_colour_surrounds_our_own_words_only():
    """With colour, the text is the same once the colours are taken out, and no hostile escape is among them."""
    hostile = report(rule("missing-in-db", Verdict.FAIL, ONLY_IN_MD._replace(item="\x1b[31mred")), errors=("\x1b[0m",))
    for sample in (EVERYTHING, hostile):
        coloured = FORMATS["text"].render(sample, RenderOptions(color=True))
        assert re.sub(r"\x1b\[[0-9;]+m", "", coloured) == shown(sample)
        assert "\x1b" not in shown(sample)
    painted = re.findall(r"\x1b\[[0-9;]+m(.*?)\x1b\[0m", coloured)
    assert painted == ["FAIL", "error:", "FAIL", "help:", "passed:"]


def test_verdicts_have_colours():
    """Red for fail and error, yellow for warn and insufficient, green for pass; bold."""
    for name, start in {"alert": "\x1b[1;31mFAIL", "warn": "\x1b[1;33mWARN", "pass": "\x1b[1;32mPASS"}.items():
        assert FORMATS["text"].render(SAMPLES[name], RenderOptions(color=True)).startswith(start + "\x1b[0m ")


@pytest.mark.parametrize("name", ["text", "markdown", "junit"])
def test_the_task_of_an_item(name: str):
    """A finding shows what its item is about, cut to a few words, on one line; without it nothing changes."""
    task = "Rotate\nthe \x1b[31mkeys " + "x" * 99
    titled, plain = (
        FORMATS[name].render(report(rule("field-mismatch", Verdict.FAIL, MISMATCH._replace(task=each))))
        for each in (task, None)
    )
    assert "Rotate" not in plain
    assert "Rotate" in titled
    assert "x" * 30 not in titled
    assert "\x1b" not in titled
    assert titled.count("\n") == plain.count("\n")


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("columns", [20, 40, 60, 80])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_terminal_gets_whole_words(name, columns, color):
    """Each line fits, but for a word that is wider itself; no word is lost, and a colour takes no columns."""
    plain = re.compile("\x1b\\[[0-9;]*m").sub
    whole = FORMATS["text"].render(SAMPLES[name], RenderOptions(color=color))
    text = FORMATS["text"].render(SAMPLES[name], RenderOptions(color=color, columns=columns))
    assert "".join(text.split()) == "".join(whole.split())
    for line in plain("", text).splitlines():
        indent = len(line) - len(line.lstrip())
        assert display_width(line) <= columns or len(line.split()) == 1, line
        assert indent <= 4
    if all(display_width(line) <= columns for line in plain("", whole).splitlines()):
        assert text == whole


def test_what_goes_on_is_indented():
    """The second line of one that is too long stands below its beginning."""
    text = FORMATS["text"].render(EVERYTHING, RenderOptions(columns=60))
    begins = [line for line in text.splitlines() if line.startswith("    ")]
    assert begins


def test_what_is_known_and_gone():
    """The sentence first; what is new below its rule; what is known, with its age, and what is gone by themselves."""
    assert shown(SAMPLES["one new"]) == (
        "FAIL 3 new since 28 December 2025: ORCH-110 and 2 more; 1 gone\n"
        "\n"
        "FAIL missing-in-db: missing-in-db says fail\n"
        "  value 5, limit <= 0\n"
        "  ops/QUEUE.md:42:3  ORCH-110  is missing in the database\n"
        "  and 2 more\n"
        "  help: Do what missing-in-db asks for.\n"
        "\n"
        "waived:\n"
        "  field-mismatch  ops/QUEUE.md:10:2  ORCH-8  status: md=IN_PROGRESS db=DONE  waived: agreed with the team\n"
        "\n"
        "known:\n"
        "  missing-in-db  ops/QUEUE.md:42:3  ORCH-111  Rotate keys  ORCH-110 is missing in the database"
        "  known since 24 November 2025, for 38 days\n"
        "  failure-rate                                             failure_rate is 0.5; known         "
        "  known since 30 December 2025, for 2 days\n"
        "  and 1 more\n"
        "\n"
        "gone:\n"
        "  missing-in-md: ORCH-090 is missing in the queue (since 31 December 2025, for 1 day)\n"
        "\n"
        "passed: missing-in-md, field-mismatch, failure-rate\n"
        f"{READ}1 fail, 3 pass; 6 findings (3 known), 1 waived, exit code 1\n"
    )
