"""`check -f html`: what lies behind a report is collected where a format shows it, saved with it, and nowhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ops_checks.formats import FORMATS
from ops_checks.reconcile import field_drift

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told


PARTS = ["timelines", "latency", "states", "lanes", "breakdowns", "drift"]


@pytest.fixture
def demo(folder: Path, run: Callable[..., Told]) -> Path:
    """Return a project with two queues that differ, events and a log."""
    assert run("init", "--demo").code == 0
    return folder


@pytest.mark.usefixtures("demo")
def test_a_saved_report_draws_the_same_page(folder: Path, run: Callable[..., Told]) -> None:
    """The page of a gate run and that of its saved report are the same bytes; the exit code is that of every run."""
    plain = run("check", "-f", "json=plain.json")
    both = run("check", "-f", "html=page.html", "-f", "json=full.json")
    assert (both.code, both.out) == (plain.code, plain.out)
    assert run("report", "full.json", "-f", "html=again.html").code == 0
    assert (folder / "again.html").read_bytes() == (folder / "page.html").read_bytes()
    without, full = (json.loads((folder / name).read_text()) for name in ("plain.json", "full.json"))
    background = full.pop("background")
    assert full == without
    assert [part for part in PARTS if not background[part]] == []
    assert {each["item"] for each in background["drift"]} == {"ORCH-009", "ORCH-017", "ORCH-030"}


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("command", "parts"),
    [
        (("check", "--only", "consistency"), ["states", "lanes", "drift"]),
        (("check", "--only", "queue"), []),
        (("consistency-check",), ["states", "lanes", "drift"]),
        (("kpi",), ["timelines", "latency", "states", "lanes", "breakdowns"]),
    ],
)
def test_what_was_not_asked_for_is_not_read_for_a_page(
    folder: Path, run: Callable[..., Told], command: tuple[str, ...], parts: list[str]
) -> None:
    """A command shows what lies behind what it read; of the document alone nothing does."""
    run(*command, "-f", "html=page.html", "-f", "json=r.json")
    background = json.loads((folder / "r.json").read_text())["background"]
    assert [part for part in PARTS if background[part]] == parts


@pytest.mark.usefixtures("demo")
def test_other_formats_do_not_pay(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Told]) -> None:
    """Where no format shows it, nothing is collected."""
    monkeypatch.setattr("ops_checks.reconcile.field_drift.run_with_background", lambda *_, **__: 1 / 0)
    for name in FORMATS:
        code = run("check", "-f", f"{name}=out-{name}").code
        assert (name, code) == (name, 3 if name == "html" else 1)


@pytest.mark.usefixtures("demo")
def test_a_failure_to_find_out_who_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, folder: Path, run: Callable[..., Told]
) -> None:
    """What cannot be collected is a note on the page, and the exit code is the same."""
    monkeypatch.setattr(field_drift, "DocumentHistory", lambda *_, **__: 1 / 0)
    assert run("check", "-f", "html=page.html").code == 1
    assert "who set what differs is not known" in (folder / "page.html").read_text()
