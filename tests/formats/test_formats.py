"""Every format: accepted by its consumer's rules, and hostile text in it is text and nothing else."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import pytest
from format_readers import READERS
from hypothesis import given, settings
from report_samples import EVERYTHING, HOSTILE, REPORTS, SAMPLES, hostile, report, rule

from ops_checks import formats
from ops_checks.files.output_guard import HEAD_BYTES, is_own_kind
from ops_checks.findings import Finding, Place, Verdict
from ops_checks.formats import FORMATS, Format, RenderOptions
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from format_readers import Read

    from ops_checks.report.model import Report

NAMES = list(FORMATS)


def test_registry():
    """The registry has a format for each module of the package, sorted by name, and each can be loaded."""
    assert NAMES == ["github", "gitlab", "health", "html", "json", "junit", "markdown", "openmetrics", "sarif", "text"]
    assert set(READERS) == set(FORMATS)
    assert len(FORMATS) == len(NAMES)
    assert [one.name for one in FORMATS.values()] == NAMES
    for one in FORMATS.values():
        assert one.help
        assert one.extension.startswith(".")
        assert "/" in one.media_type


def test_appended_formats():
    """Text, annotations, summaries and the line of a log are appended to a file; documents replace it."""
    assert [name for name, one in FORMATS.items() if one.append] == ["github", "health", "markdown", "text"]


DOCUMENTS = [name for name in NAMES if not FORMATS[name].append]


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_documents_are_known_by_their_beginning(name, sample):
    """A document is of its own kind, however early its writing was cut short, and of no other format's kind."""
    document = FORMATS[name].render(SAMPLES[sample]).encode()
    for cut in [document, *(document[:size] for size in range(HEAD_BYTES + 2))]:
        head, whole = cut[:HEAD_BYTES], len(cut) <= HEAD_BYTES
        assert is_own_kind(head, FORMATS[name].begins, whole=whole), cut
    for other in set(DOCUMENTS) - {name}:
        assert not is_own_kind(document[:HEAD_BYTES], FORMATS[other].begins, whole=len(document) <= HEAD_BYTES)


@pytest.mark.parametrize("options", [{}, {"append": True, "begins": ("x",)}])
def test_a_format_says_what_it_may_replace(options):
    """A format that says neither that it appends nor how its documents begin is a mistake of its author."""
    with pytest.raises(TypeError, match="begins="):
        Format(help="h", extension=".x", media_type="a/b", render=lambda *_: "", **options)


@pytest.mark.parametrize("name", ["", "yaml", "Text", "__init__", "text.py", "../text"])
def test_unknown_names(name):
    """A name that is no module of the package is no format."""
    assert name not in FORMATS
    assert FORMATS.get(name) is None


def test_registry_is_light():
    """Listing the names imports no format, and a format is imported alone when it is used."""
    code = """
import sys
from ops_checks.formats import FORMATS
def loaded():
    return [name for name in sys.modules if name.startswith("ops_checks.formats.")]
print(len(FORMATS), "text" in FORMATS, "yaml" in FORMATS, len(list(FORMATS)), loaded())
print(FORMATS["health"].extension, loaded())
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "10 True False 10 []\n.txt ['ops_checks.formats.health']\n"


def test_new_module_is_a_format(tmp_path, monkeypatch):
    """A module that is put into the package is a format under its name, with nothing else to edit."""
    source = """
from ops_checks.formats import Format
FORMAT = Format(help="h", extension=".x", media_type="a/b", append=True,
                render=lambda report, options: f"{options.color}")
"""
    (tmp_path / "zz_added.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    assert list(FORMATS) == [*NAMES, "zz_added"]
    assert FORMATS["zz_added"].render(EVERYTHING) == "False"


@pytest.mark.parametrize("file", [".#json.py", "a-b.py", "json.py~", "_parts.py", ".py", "notes.txt"])
def test_files_that_are_no_modules(file, tmp_path, monkeypatch):
    """A file that cannot be imported by its name (an editor's lock file), or is private, is no format."""
    (tmp_path / file).touch()
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    assert list(FORMATS) == NAMES


def test_module_without_format(tmp_path, monkeypatch):
    """A module that defines no FORMAT is an error that names it, when it is loaded."""
    (tmp_path / "zz_empty.py").write_text("FORMAT = 1", encoding="utf-8")
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    assert "zz_empty" in FORMATS
    with pytest.raises(TypeError, match=r"ops_checks\.formats\.zz_empty defines no format: end it with FORMAT"):
        FORMATS["zz_empty"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_consumers_accept_every_verdict(name, sample):
    """A report of each verdict, in each format, is read by an independent reader of that format."""
    rendered = FORMATS[name].render(SAMPLES[sample])
    READERS[name](rendered)
    assert not rendered or rendered.endswith("\n")


@pytest.mark.parametrize("name", NAMES)
def test_rendering_is_pure(name):
    """The same report gives the same text."""
    assert FORMATS[name].render(EVERYTHING) == FORMATS[name].render(EVERYTHING)


#: What an escape-free reader finds instead of a text: GitHub's older command form is broken in commands.
SHOWN = {
    "json": lambda text: text,
    "github": lambda text: visible(text).replace("##[", "## ["),
}
HARMLESS = "Ä x"


@cache
def harmless(name: str) -> Read:
    """Return what a reader of a format finds where every text is harmless."""
    return READERS[name](FORMATS[name].render(hostile(HARMLESS)))


def expected(name: str, text: str) -> str:
    """Return what a reader of a format is to find for a text: its visible escapes, or for JSON itself."""
    return SHOWN.get(name, visible)(text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(name, text):
    """Hostile text in every field: the reader finds the text, and the same shape as with harmless text."""
    rendered = FORMATS[name].render(hostile(text))
    rendered.encode("utf-8")
    read = READERS[name](rendered)
    if text:
        assert read.shape == harmless(name).shape
        assert any(expected(name, text) in found for found in read.texts)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(sample=REPORTS)
def test_any_report_renders(name, sample):
    """No report makes a format raise, and its consumer accepts the result."""
    rendered = FORMATS[name].render(sample)
    READERS[name](rendered)
    assert rendered.encode("utf-8").decode("utf-8") == rendered


@cache
def _chunks(size: int) -> dict[str, str]:
    """Every code point once, `size` a chunk, surrogates too (downwards: no pair forms), with its visible escape."""
    texts = ("".join(map(chr, range(start + size - 1, start - 1, -1))) for start in range(0, 0x110000, size))
    return {text: visible(text) for text in texts}


def _rendered_chunks(size: int) -> dict[str, str]:
    """Return the chunks that are rendered: of planes whose code points all have an escape, the first and the last."""
    chunks = list(_chunks(size).items())
    a_plane = 0x10000 // size
    planes = [chunks[start : start + a_plane] for start in range(0, len(chunks), a_plane)]
    return dict(
        chunk
        for plane in planes
        for chunk in (plane if any(map(str.isprintable, "".join(text for text, _ in plane))) else plane[:: a_plane - 1])
    )


def _report_with(name: str, text: str) -> Report:
    """Return a small report that has a text where the format shows one."""
    if name == "openmetrics":
        return report(tool_version=text)
    if name == "health":
        return report(rule(text, Verdict.FAIL))
    drift = Finding("field-mismatch", "differs", item="I-1", field="task", md=text, places=(Place("Q.md", 1),))
    return report(rule("field-mismatch", Verdict.FAIL, drift), inputs=())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "html"])
def test_every_code_point(name):
    """Every code point of a plane in use, through every format: itself or its visible escape, and nothing else.

    A page holds many chunks at once: see `html/test_html_page.py`.
    """
    plain = READERS[name](FORMATS[name].render(_report_with(name, HARMLESS)))
    for chunk, shown in _rendered_chunks(1 << 7 if name == "openmetrics" else 1 << 10).items():
        read = READERS[name](FORMATS[name].render(_report_with(name, chunk)))
        wanted = {"json": chunk, "github": shown.replace("##[", "## [")}.get(name, shown)
        assert any(wanted in found for found in read.texts), hex(ord(chunk[-1]))
        assert (read.shape, len(read.texts)) == (plain.shape, len(plain.texts)), hex(ord(chunk[-1]))


def test_visible_escapes_cover_what_xml_cannot_hold():
    """No character is left by the visible escapes that XML 1.0 forbids, or that Unicode calls a control."""
    left = {char for shown in _chunks(1 << 10).values() for char in shown}
    assert not {unicodedata.category(char) for char in left} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not {char for char in left if ord(char) & 0xFFFE == 0xFFFE}


@pytest.mark.parametrize("name", NAMES)
def test_formats_stay_linear(name):
    """A cell of 5 MB, and one beside many small ones, takes the room it takes and no more."""
    big = SAMPLES["drift"].rules[0].findings[0]._replace(message="x" * 5_000_000)
    small = big._replace(message="y")
    rendered = FORMATS[name].render(report(rule("missing-in-db", Verdict.FAIL, big, *[small] * 500)))
    assert len(rendered) < 5_600_000
    READERS[name](rendered if name != "sarif" else FORMATS[name].render(report()))


def test_options_are_optional():
    """Without options: no colour, and paths as they are."""
    assert FORMATS["text"].render(EVERYTHING) == FORMATS["text"].render(EVERYTHING, RenderOptions())
