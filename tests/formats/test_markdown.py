"""The Markdown summary."""

from __future__ import annotations

import re

import pytest
from format_readers import read_markdown
from markdown_it import MarkdownIt
from report_samples import HOSTILE, MISMATCH, ONLY_IN_MD, SAMPLES, WAIVED, rate, report, rule

from ops_checks.findings import Verdict
from ops_checks.formats import FORMATS
from ops_checks.sanitize import visible


def shown(sample):
    """Return a report as Markdown that a GFM parser reads."""
    rendered = FORMATS["markdown"].render(sample)
    read_markdown(rendered)
    return rendered


def test_to_the_byte():
    """The verdict, the counts, what to do, the rules, the findings, what was read."""
    sample = report(
        rule("missing-in-db", Verdict.FAIL, ONLY_IN_MD, value=1, operator="<=", limit=0, more_findings=3),
        rate(Verdict.PASS, value=0.1),
        rule("field-mismatch", Verdict.PASS, WAIVED),
        notes=("the log's cache was not used",),
    )
    assert shown(sample) == (
        "## ❌ ops-checks: fail\n"
        "\n"
        "1 fail, 2 pass; 4 findings, 1 waived.\n"
        "\n"
        "**What to do:**\n"
        "\n"
        "- `missing-in-db`: Do what missing-in-db asks for.\n"
        "\n"
        "| Verdict | Rule | Value | Limit | Samples | 95 % interval | Result |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| ❌ fail | `missing-in-db` | 1 | `<= 0` |  |  | missing-in-db says fail |\n"
        "| ✅ pass | `failure-rate` | 0.1 | `<= 0.2` | 40 | 0.3523 to 0.6477 | failure-rate says pass |\n"
        "| ✅ pass | `field-mismatch` |  |  |  |  | field-mismatch says pass |\n"
        "\n"
        "**Findings:**\n"
        "\n"
        "| Rule | Where | Item | What is out |\n"
        "| --- | --- | --- | --- |\n"
        "| `missing-in-db` | `ops/QUEUE.md:42:3` | `ORCH-110` | `is missing in the database` |\n"
        "\n"
        "And 3 more: see the whole report.\n"
        "\n"
        "**Waived:**\n"
        "\n"
        "| Rule | Where | Item | What is out | Waived because |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `field-mismatch` | `ops/QUEUE.md:10:2` | `ORCH-8` | `status: md=IN_PROGRESS db=DONE` |"
        " `agreed with the team` |\n"
        "\n"
        "- Note: the log's cache was not used\n"
        "- Read: queue `ops/QUEUE.md` (31 items)\n"
        "- Read: db `ops/queue.db` (30 items)\n"
        "- Read: log `ops/runs.jsonl` (200 lines)\n"
        "- Made: 2026-01-01T00:00:00.123Z by ops-checks 0.1.0, exit code 1\n"
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_verdict_first(name):
    """The heading is the verdict, in every report."""
    assert re.match(rf"## \S+ ops-checks: {SAMPLES[name].verdict}\n\n", shown(SAMPLES[name]))


def cells_of(rendered):
    """Return the text of the cells of all tables, as a GFM parser finds them."""
    tokens = MarkdownIt("gfm-like", {"html": True}).parse(rendered)
    cells = [tokens[at + 1] for at, token in enumerate(tokens) if token.type in {"td_open", "th_open"}]
    for cell in cells:
        assert {child.type for child in cell.children} <= {"text", "code_inline"}, cell.content
    return ["".join(child.content for child in cell.children) for cell in cells]


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_cells_hold_the_text(text):
    """A hostile text is one cell's text: no other cell, row, link, mention or tag."""
    drift = MISMATCH._replace(item=text, field=None, message=text, places=(), reason=None)
    cells = cells_of(shown(report(rule("field-mismatch", Verdict.FAIL, drift), inputs=())))
    assert len(cells) == 7 * 2 + 4 * 2
    assert cells[-4:] == ["field-mismatch", "", visible(text), visible(text)]


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("plain words, 3.5 of 10 (50 %): fine", "plain words, 3.5 of 10 (50 %): fine"),
        ("실패율이 높다", "실패율이 높다"),
        ("see www.example.org", "`see www.example.org`"),
        ("see http://x", "`see http://x`"),
        ("ask @team", "`ask @team`"),
        ("like #12", "`like #12`"),
        ("snake_case", "`snake_case`"),
        ("a|b", r"`a\|b`"),
        (r"a\|b", r"`a\\|b`"),
        ("`x`", "`` `x` ``"),
        ("a``b", "```a``b```"),
        (" x ", "`  x  `"),
        (" ", "` `"),
        ("ends ", "`ends `"),
        (":tada:", "`:tada:`"),
        ("- item", "`- item`"),
        ("<b>", "`<b>`"),
        ("a\nb", r"`a\nb`"),
    ],
)
def test_words_and_code(message, written):
    """Plain words stay prose; whatever a renderer might interpret is in a code span."""
    assert f"| {written} |\n" in shown(report(rule("a", Verdict.PASS, message=message)))


def test_long_tables_are_cut():
    """A hundred findings, and no more text than a comment of GitHub may have; the others are counted."""
    many = [ONLY_IN_MD._replace(item=f"I-{number}") for number in range(150)]
    rendered = shown(report(rule("missing-in-db", Verdict.FAIL, *many, more_findings=7)))
    assert rendered.count("| `missing-in-db` | `ops/QUEUE.md") == 100
    assert "\nAnd 57 more: see the whole report.\n" in rendered
    huge = [ONLY_IN_MD._replace(message="가" * 100_000) for _ in range(5)]
    rendered = shown(report(rule("missing-in-db", Verdict.FAIL, *huge)))
    assert len(rendered) < 65_536
    assert "\nAnd 2 more: see the whole report.\n" in rendered
