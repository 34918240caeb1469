"""The page: what stands in it and in which order, its size, and that nothing in it is alive."""

from __future__ import annotations

import importlib.util
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import html5lib
import lxml.html
import pytest
from format_readers import READERS
from msgspec.structs import replace
from page_samples import LARGE, WHOLE
from report_samples import CREATED_MS, EVERYTHING, SAMPLES, hostile, report, rule

from ops_checks.cli import main
from ops_checks.errors import UsageError
from ops_checks.files.output_guard import is_own_kind
from ops_checks.findings import Finding, Verdict
from ops_checks.formats import FORMATS
from ops_checks.formats.html import compiled, compiled_source
from ops_checks.formats.html.environment import environment, style
from ops_checks.report.background import Background, FieldDrift, StatesAt
from ops_checks.report.model import Window
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from ops_checks.report.model import Report

PAGE = FORMATS["html"]


def tree(rendered: str) -> Element:
    """Return a page as browsers parse it."""
    return html5lib.HTMLParser(namespaceHTMLElements=False).parse(rendered)


def text_of(element: Element) -> str:
    """Return the text of an element with its white space squeezed."""
    return " ".join("".join(element.itertext()).split())


def headings(rendered: str) -> list[str]:
    """Return the page's headings of the first two levels."""
    return [text_of(each) for each in tree(rendered).iter() if each.tag in {"h1", "h2"}]


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (SAMPLES["pass"], ["✓ pass no findings, 2 rules met", "The rest"]),
        (SAMPLES["nothing ran"], ["✓ pass no rule ran", "The rest"]),
        (SAMPLES["drift"], ["✕ fail 1 finding: ORCH-110", "Not met", "The rest"]),
        (
            SAMPLES["error"],
            ["✕ error 1 error, so that not all was evaluated", "Could not be evaluated", "Not met", "The rest"],
        ),
        (
            SAMPLES["one new"],
            ["✕ fail 3 new since 28 December 2025: ORCH-110 and 2 more; 1 gone", "Not met", "The rest"],
        ),
        (
            WHOLE,
            [
                "✕ fail 11 new since 28 December 2025: ORCH-110, ORCH-090, failure-rate, stale-in-progress, ORCH-102 "
                "and 6 more; too little data for success-rate; 1 gone",
                "Not met",
                "Metrics",
                "Latency",
                "The queue over time",
                "Workers",
                "Who and what fails",
                "Where the queues differ",
                "The rest",
            ],
        ),
    ],
)
def test_order(sample, expected: list[str]) -> None:
    """What is new comes first, then what is not met, then what lies behind it, then the rest; no empty section."""
    assert headings(PAGE.render(sample)) == expected


def test_a_section_of_a_rule() -> None:
    """A rule that is not met says what it is, what it measured, what it found with whom, and what to run."""
    found = Finding("field-mismatch", "ORCH-7 differs", item="ORCH-7", field="task", md="a", task="T", owner="s1")
    one = report(
        rule(
            "field-mismatch",
            Verdict.FAIL,
            found,
            value=1,
            limit=0,
            operator="<=",
            help="Run `ops-checks drift -v`; `rm`.",
        ),
    )
    rendered = PAGE.render(one)
    article = rendered[rendered.index("<article") : rendered.index("</article>")]
    assert [text_of(each) for each in tree(article).iter() if each.tag in {"h3", "p", "div", "th", "td"}] == [
        "✕ fail The title of field-mismatch field-mismatch",
        "field-mismatch says fail",
        "value 1".replace(" ", ""),
        "limit<= 0",
        "Item",
        "Task",
        "Owner",
        "What is out",
        "ORCH-7",
        "T",
        "s1",
        "task: Markdown a database -",
        "What to do: Run ops-checks drift -v; `rm`.",
    ]
    assert '<code class="command">ops-checks drift -v</code>; `rm`.</p>' in article


def test_a_row() -> None:
    """A finding is one row: these bytes, each text escaped and visible."""
    row = Finding("r", "m\n<b>", item="I<1>", value=3, task='T"', owner="-", priority="P0", places=())
    one = report(rule("r", Verdict.FAIL, row))
    assert (
        '<tr><td><code>I&lt;1&gt;</code> <span class="priority">P0</span></td><td>T&#34;</td>'
        '<td class="o">no owner</td>'
        "<td>m\\n&lt;b&gt;</td></tr>\n"
    ) in PAGE.render(one)


def test_many_findings_of_a_rule_are_folded() -> None:
    """A dozen findings are open, the others folded, those not listed counted."""
    found = [Finding("r", f"m{at}", item=f"I-{at}") for at in range(15)]
    read = tree(PAGE.render(report(rule("r", Verdict.FAIL, *found, more_findings=7))))
    tables = [each for each in read.iter("table") if each.get("class") == "findings"]
    assert [len(list(table.iter("tr"))) - 1 for table in tables] == [12, 3]
    assert "3 more" in map(text_of, read.iter("summary"))
    assert "And 7 more findings, not listed here: see the whole report (-f json)." in map(text_of, read.iter("p"))


def test_many_fields_that_differ_are_folded() -> None:
    """Of the fields that differ a dozen are open, too; those without room are counted."""
    drift = tuple(FieldDrift(f"I-{at}", "status", "DONE", None, "x" * 400) for at in range(300))
    read = tree(PAGE.render(replace(EVERYTHING, background=Background(drift=drift))))
    tables = [each for each in read.iter("table") if each.get("class") == "findings drift"]
    first, rest = (len(list(table.iter("tr"))) - 1 for table in tables)
    assert (first, rest > 100) == (12, True)
    told = f"And {300 - first - rest} more fields, not listed here: see the whole report (-f json)."
    assert told in map(text_of, read.iter("p"))


def test_times_are_of_the_queues_zone() -> None:
    """The page says which zone its times are of, in the beginning and at the end."""
    rendered = PAGE.render(replace(EVERYTHING, tz_minutes=-210))
    assert "checked on <b>2025-12-31 20:30</b> (UTC-03:30)" in rendered
    assert "Times are of UTC-03:30." in rendered
    assert "checked on <b>2026-01-01 00:00</b> (UTC)" in PAGE.render(EVERYTHING)
    berlin = PAGE.render(replace(EVERYTHING, tz_minutes=60, timezone="Europe/Berlin", window=Window(0, CREATED_MS)))
    assert "checked on <b>2026-01-01 01:00</b> (Europe/Berlin)" in berlin
    assert "Of the runs and retries from 1970-01-01 01:00 to 2026-01-01 01:00 (Europe/Berlin)." in berlin


def test_every_code_point() -> None:
    """Every code point of a plane in use, surrogates too: a reader finds itself or its visible escape, nothing else."""
    size = 1 << 10
    used = {*range(4), 14}  # planes; of the others, which are escaped alike, the first and the last code points
    starts = [at for at in range(0, 0x110000, size) if at >> 16 in used or at % 0x10000 in {0, 0x10000 - size}]
    chunks = ["".join(map(chr, range(at + size - 1, at - 1, -1))) for at in starts]
    for part in (chunks[at : at + 64] for at in range(0, len(chunks), 64)):
        rendered = PAGE.render(report(rule("r", Verdict.FAIL, *(Finding("r", chunk) for chunk in part))))
        cells = lxml.html.fromstring(rendered).xpath("//table[@class='findings']//td[position() = last()]")
        assert [len(cell) for cell in cells] == [0] * len(part)
        assert [cell.text for cell in cells] == [*map(visible, part)]


HARMLESS = "Ä x"
ALIVE = (
    "</title><script>alert(1)</script>",
    "</style><svg onload=alert(1)>",
    "--></desc></svg><img src=x onerror=alert(1)>",
    "\" onmouseover=alert(1) x='",
    "{{ 7 * 7 }}{% raw %}{# x",
    "javascript:alert(1)",
    "`ops-checks drift`",
)


def alive(text: str) -> Report:
    """Return a report that has a text in every field, in the name of a status too."""
    sample = hostile(text)
    states = tuple(StatesAt(CREATED_MS + at, {text: 9, "DONE": 20}) for at in range(2))
    return replace(sample, background=replace(sample.background, states=states))


@pytest.mark.parametrize("text", ALIVE)
def test_texts_are_only_text(text: str) -> None:
    """No text in any field begins an element or an attribute, ends one, or is a template; commands are marked alone."""
    rendered = PAGE.render(alive(text))
    read, harmless = READERS["html"](rendered), READERS["html"](PAGE.render(alive(HARMLESS)))
    if "ops-checks" not in text:
        assert read.shape == harmless.shape
    assert sum(text in each for each in read.texts) > 40 or "ops-checks" in text
    held = {name for each in tree(rendered).iter() for name, value in each.attrib.items() if text in value}
    assert held <= {"aria-label"}


def test_hints_are_only_text() -> None:
    """What helps with what was found stands in the beginning, its commands marked, and is text."""
    (hint,) = [
        each for each in tree(PAGE.render(replace(EVERYTHING, hints=("<b> `ops-checks drift`",)))).iter("li")
        if "<b>" in text_of(each)
    ]  # fmt: skip
    assert (text_of(hint), [each.tag for each in hint]) == ("<b> ops-checks drift", ["code"])


@pytest.mark.parametrize("name", ["known", "errors", "notes", "inputs"])
def test_a_text_of_megabytes_is_cut(name: str) -> None:
    """One text does not take the room of the others."""
    changed = {
        "known": replace(SAMPLES["one new"].known, path="x" * 5_000_000),
        "errors": ("x" * 5_000_000,),
        "notes": ("x" * 5_000_000, "y"),
        "inputs": tuple(replace(each, path="x" * 5_000_000) for each in EVERYTHING.inputs),
    }[name]
    assert len(PAGE.render(replace(EVERYTHING, **{name: changed}))) < 60_000


def test_size() -> None:
    """A thousand findings with all that lies behind them are listed, and take less than a megabyte."""
    rendered = PAGE.render(LARGE)
    assert len(rendered.encode()) < 1_000_000
    assert all(f"<code>ORCH-{at}</code>" in rendered for at in range(1000))


def test_stable() -> None:
    """The same report is the same bytes."""
    assert PAGE.render(WHOLE) == PAGE.render(WHOLE)


def test_what_a_template_may_show() -> None:
    """A template that shows what has no text, or what is not there, is an error and not a page."""
    shown = environment().from_string("{{ it }}")
    assert shown.render(it="<\x1b") == "&lt;\\x1b"
    for odd in (None, 1.5, True, []):
        with pytest.raises(TypeError, match="which has no text"):
            shown.render(it=odd)
    with pytest.raises(TypeError, match="StrictUndefined"):
        shown.render()


def test_templates_are_compiled() -> None:
    """`python -m ops_checks.formats.html.compiled_source` was run since the templates were changed."""
    with open(compiled.__file__, encoding="utf-8") as file:
        assert file.read() == compiled_source.source()


def test_another_jinja_compiles_the_templates_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one version of Jinja compiled is not given to another one; the page is the same."""
    made = PAGE.render(WHOLE)
    monkeypatch.setattr(compiled, "JINJA", "3.0")
    monkeypatch.setattr(compiled, "TEMPLATES", {})
    environment.cache_clear()
    assert PAGE.render(WHOLE) == made
    environment.cache_clear()


def _without(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == module else found(name, *rest))


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Without the extra an error says how to install it, before anything is read, and no file is made."""
    _without(monkeypatch, "jinja2")
    monkeypatch.chdir(tmp_path)
    line = (
        "format html needs jinja2, which is not installed: install ops-checks with its extra html, as "
        "`ops-checks help install` says"
    )
    assert main(["check", "--queue", "none.md", "-f", "html=page.html"]) == 4
    assert capsys.readouterr() == ("", f"error: {line}\n")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match=re.escape(line)):
        PAGE.render(EVERYTHING)


def test_a_saved_report_is_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report of earlier is a page by the same road, replaces a page, and nothing else."""
    saved, page = tmp_path / "a.json", tmp_path / "page.html"
    saved.write_text(FORMATS["json"].render(EVERYTHING))
    assert main(["report", str(saved), "-f", f"html={page}"]) in {0, EVERYTHING.exit_code}
    assert page.read_text() == PAGE.render(EVERYTHING)
    page.write_text("<!doctype html>\n<html><head><title>mine</title>")
    assert main(["report", str(saved), "-f", f"html={page}"]) == 4
    assert "holds something else than such a report, and is kept" in capsys.readouterr().err
    assert page.read_text().endswith("mine</title>")


BEGIN = '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'


@pytest.mark.parametrize(
    ("head", "own"),
    [
        ('<meta name="generator" content="ops-checks">', True),
        ('<meta name="generator" content="pandoc">', False),
        ("<title>", False),
    ],
)
def test_pages_are_known_by_their_beginning(head: str, *, own: bool) -> None:
    """A page of this program says so in its first lines, and replaces no other one."""
    assert is_own_kind(f"{BEGIN}{head}\n{'x' * 600}".encode()[:512], PAGE.begins, whole=False) is own


def luminance(color: str) -> float:
    """Return the relative luminance of `#rgb` or `#rrggbb` (WCAG 2.2)."""
    digits = color[1:] if len(color) == 7 else "".join(2 * char for char in color[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1, 2])
def test_contrast(scheme: int) -> None:
    """In light, in dark and on paper: words have a contrast of 4.5 on all that they stand on, lines and areas of 3."""
    colors = [
        dict(re.findall(r"--([\w-]+):(#[0-9a-f]+)", part)) for part in re.findall(r":root{([^}]*)}", style().text)
    ]
    assert len(colors) == 3
    shown = colors[0] | colors[scheme]
    for words in ("ink", "soft", "fail", "warn", "pass", "unsure", "mark"):
        for ground in ("page", "sheet"):
            assert contrast(shown[words], shown[ground]) >= 4.5, (words, ground)
    assert contrast(shown["ink"], shown["rail"]) >= 4.5


def test_layers_that_touch_differ_in_lightness_or_in_their_pattern() -> None:
    """Who sees no colours tells the layers of the queue apart by pattern, label and the line between them."""
    assert {".layer.s2{fill:url(#dots)}", ".layer.s3{fill:url(#stripes)}"} <= set(
        re.findall(r"\.layer\.s\d{[^}]*}", style().text)
    )
    rendered = PAGE.render(WHOLE)
    for name in ("dots", "stripes"):
        assert rendered.count(f'<pattern id="{name}"') == 1


def test_ids_are_unique_and_named_by_nothing_from_outside() -> None:
    """Every link leads to a section that is there, and every name of a plot is."""
    elements = list(tree(PAGE.render(WHOLE)).iter())
    ids = [each.get("id") for each in elements if each.get("id")]
    assert len(ids) == len(set(ids))
    asked = {word for each in elements for word in (each.get("aria-labelledby") or "").split()}
    assert asked | {each.get("href")[1:] for each in elements if each.get("href")} <= set(ids)


def test_levels_of_headings_follow_each_other() -> None:
    """No level of headings is left out."""
    levels = [int(each.tag[1]) for each in tree(PAGE.render(WHOLE)).iter() if re.fullmatch(r"h\d", str(each.tag))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_plot_has_words_and_a_table() -> None:
    """A plot has a title, a description, and its numbers in a table behind it."""
    read = tree(PAGE.render(WHOLE))
    svg = "{http://www.w3.org/2000/svg}"
    plots = [each for each in read.iter(f"{svg}svg") if each.get("role") == "img"]
    assert len(plots) == 3 + 1 + 2 + 1
    for plot in plots:
        assert [child.tag for child in plot][:2] == [f"{svg}title", f"{svg}desc"]
        assert all(child.text for child in list(plot)[:2])
    assert sum(each.get("class") == "numbers" for each in read.iter("details")) == len(plots)


def test_no_line_crosses_the_name_of_a_limit() -> None:
    """Where a limit and a value are near each other among the latencies, their names are drawn above both lines."""
    page = PAGE.render(WHOLE)
    assert page.index('class="mark"') < page.index('class="limit-name"', page.index('id="latency"'))


def test_created_outside_of_the_calendar() -> None:
    """A report of no year still is a page."""
    assert "checked on <b>-</b>" in PAGE.render(replace(EVERYTHING, created_ms=2**60))
