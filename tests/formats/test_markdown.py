"""The Markdown summary."""

from __future__ import annotations

import re

import pytest
from format_readers import read_markdown
from markdown_it import MarkdownIt
from report_samples import HOSTILE, MISMATCH, ONLY_IN_MD, SAMPLES, WAIVED, rate, report, rule

from ops_checks.findings import Place, Verdict
from ops_checks.formats import FORMATS, RenderOptions
from ops_checks.sanitize import visible


def shown(sample):
    """Return a report as Markdown that a GFM parser reads."""
    rendered = FORMATS["markdown"].render(sample)
    read_markdown(rendered)
    return rendered


def test_to_the_byte():
    """One sentence, what is out with title and owner, what to do; the rest is folded."""
    owned = ONLY_IN_MD._replace(task="Rotate keys", owner="worker-1", priority="P0")
    sample = report(
        rule("missing-in-db", Verdict.FAIL, owned, value=4, operator="<=", limit=0, unit="count", more_findings=3),
        rate(Verdict.PASS, value=0.1),
        rule("field-mismatch", Verdict.PASS, WAIVED),
        notes=("the log's cache was not used",),
    )
    assert shown(sample) == (
        "## ❌ ops-checks: 4 findings: ORCH-110 and 3 more\n"
        "\n"
        "| Item | Task | Owner | Priority | What is out | Where | Rule |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| `ORCH-110` | Rotate keys | worker-1 | P0 | `is missing in the database` | `ops/QUEUE.md:42:3` |"
        " `missing-in-db` |\n"
        "\n"
        "And 3 more: see the whole report.\n"
        "\n"
        "**What to do:**\n"
        "\n"
        "- ❌ `missing-in-db` (fail): missing-in-db says fail: Do what missing-in-db asks for.\n"
        "\n"
        "<details>\n"
        "<summary>Waived: 1</summary>\n"
        "\n"
        "| Item | What is out | Where | Rule | Waived because |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `ORCH-8` | `status: md=IN_PROGRESS db=DONE` | `ops/QUEUE.md:10:2` | `field-mismatch` |"
        " `agreed with the team` |\n"
        "\n"
        "</details>\n"
        "\n"
        "<details>\n"
        "<summary>All: 1 fail, 2 pass; 4 findings, 1 waived</summary>\n"
        "\n"
        "| Verdict | Rule | Value | Limit | Samples | 95 % interval | Result |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| ❌ fail | `missing-in-db` | 4 | `<= 0` |  |  | missing-in-db says fail |\n"
        "| ✅ pass | `failure-rate` | 0.1 | `<= 0.2` | 40 | 0.3523 to 0.6477 | failure-rate says pass |\n"
        "| ✅ pass | `field-mismatch` |  |  |  |  | field-mismatch says pass |\n"
        "\n"
        "- Note: the log's cache was not used\n"
        "- Read: queue `ops/QUEUE.md` (31 items)\n"
        "- Read: db `ops/queue.db` (30 items)\n"
        "- Read: log `ops/runs.jsonl` (200 lines)\n"
        "- Made: 2026-01-01T00:00:00.123Z by ops-checks 0.1.0, exit code 1\n"
        "\n"
        "</details>\n"
        "\n"
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_the_sentence_first(name):
    """The heading is the report in a sentence, with the sign of its verdict, in every report."""
    icon = {"pass": "✅", "warn": "⚠️", "insufficient": "⚠️"}.get(SAMPLES[name].verdict.value, "❌")
    assert re.match(rf"## {icon} ops-checks: \S.*\n\n", shown(SAMPLES[name]))


def cells_of(rendered):
    """Return the text of the cells of all tables, as a GFM parser finds them."""
    tokens = MarkdownIt("gfm-like", {"html": True}).parse(rendered)
    cells = [tokens[at + 1] for at, token in enumerate(tokens) if token.type in {"td_open", "th_open"}]
    for cell in cells:
        assert {child.type for child in cell.children} <= {"text", "code_inline"}, cell.content
    return ["".join(child.content for child in cell.children).replace("\u200b", "") for cell in cells]


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_cells_hold_the_text(text):
    """A hostile text is one cell's text: no other cell, row, link, mention or tag."""
    drift = MISMATCH._replace(item=text, field=None, message=text, places=(), reason=None)
    cells = cells_of(shown(report(rule("field-mismatch", Verdict.FAIL, drift), inputs=())))
    assert len(cells) == 7 * 2 + 3 * 2
    assert cells[3:6] == [visible(text), visible(text), "field-mismatch"]


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
        ("`x`", "&#96;x&#96;"),
        ("a``b", "a&#96;&#96;b"),
        ("`", "&#96;"),
        (" ` ", "&#32;&#96;&#32;"),
        ("see `x`, then go-on. Or 1.5", "see &#96;x&#96;, then go-on. Or 1&#46;5"),
        ("1. `", "1&#46; &#96;"),
        ("`|", "&#96;&#124;"),
        ("`@team", "&#96;&#64;&#8203;team"),
        ("`#1 $x$ :a:", "&#96;&#35;&#8203;1 &#36;&#8203;x&#36;&#8203; &#58;&#8203;a&#58;&#8203;"),
        ("`www.a.org http://x", "&#96;www&#8203;&#46;a&#46;org http&#58;&#8203;&#47;&#47;x"),
        ("GH-1", "`GH-1`"),
        ("`GH-1", "&#96;GH&#8203;&#45;1"),
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
    """Plain words stay prose; what a renderer might interpret is in a code span, or escaped if it has a back-tick."""
    assert f"| {written} |\n" in shown(report(rule("a", Verdict.PASS, message=message)))


def test_long_tables_are_cut():
    """A hundred findings, and no more text than a comment of GitHub may have; the others are counted."""
    many = [ONLY_IN_MD._replace(item=f"I-{number}") for number in range(150)]
    rendered = shown(report(rule("missing-in-db", Verdict.FAIL, *many, more_findings=7)))
    assert rendered.count("`ops/QUEUE.md:42:3` | `missing-in-db` |") == 100
    assert "\nAnd 57 more: see the whole report.\n" in rendered
    huge = [ONLY_IN_MD._replace(message="가" * 100_000) for _ in range(5)]
    rendered = shown(report(rule("missing-in-db", Verdict.FAIL, *huge)))
    assert len(rendered) < 65_536
    assert "\nAnd 2 more: see the whole report.\n" in rendered


LINKS = "https://git.example.org/o/r/blob/0123/{path}#L{line}"


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("ops/QUEUE.md", "ops/QUEUE.md?plain=1#L42"),
        ("ops/queue.txt", "ops/queue.txt#L42"),
        ("a](b) `c`.md", "a%5D%28b%29%20%60c%60.md?plain=1#L42"),
        ("{line}|x", "%7Bline%7D%7Cx#L42"),
        ("../QUEUE.md", None),
        ("/etc/QUEUE.md", None),
    ],
)
def test_a_row_is_linked(path, url):
    """Where the commit is known, the place of a finding is a link to its row, and to nothing else."""
    sample = report(rule("missing-in-db", Verdict.FAIL, ONLY_IN_MD._replace(places=(Place(path, 42),))), inputs=())
    rendered = FORMATS["markdown"].render(sample, RenderOptions(rows=LINKS))
    tokens = MarkdownIt("gfm-like", {"html": True}).parse(rendered)
    links = [one.attrs["href"] for each in tokens for one in each.children or () if one.type == "link_open"]
    assert links == ([] if url is None else [f"https://git.example.org/o/r/blob/0123/{url}"])
