"""The Containerfile: its commands, run in a scratch folder in place of an image, and what it must and must not say.

No base image can be had where these tests run; what is tried is what the stages do, not that they are put together.
"""

from __future__ import annotations

import io
import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from ci_systems import ROOT, run
from dockerfile_parse import DockerfileParser
from scratch_installation import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTAINERFILE = ROOT / "ci" / "Containerfile"
#: Folders of the image, and what there is instead of them.
_PLACES = ("/opt/ops-checks", "/wheels", "/src")


def instructions() -> list[list[tuple[str, str]]]:
    """Return the instructions of each stage, with their values."""
    parser = DockerfileParser(fileobj=io.BytesIO(CONTAINERFILE.read_bytes()))
    stages: list[list[tuple[str, str]]] = []
    for each in parser.structure:
        if each["instruction"] == "FROM":
            stages.append([])
        if stages and each["instruction"] != "COMMENT":
            stages[-1].append((each["instruction"], each["value"]))
    return stages


def test_who_runs_it() -> None:
    """Two stages of one base; the second takes what the first built, and ends as a user by number who is not root."""
    build, final = instructions()
    assert (build[0][1], final[0][1]) == ("${BASE} AS build", "${BASE}")
    users = [value for name, value in final if name == "USER"]
    assert len(users) == 1
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", users[0])
    after = [name for name, _ in final[final.index(("USER", users[0])) :]]
    assert set(after) == {"USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert json.loads(dict(final)["ENTRYPOINT"]) == ["ops-checks"]
    assert "ADD" not in {name for stage in (build, final) for name, _ in stage}
    (account,) = [value for name, value in final if name == "RUN"]
    assert set(re.findall(r"--[ug]id (\d+)", account)) == set(users[0].split(":"))


def test_what_is_copied_is_in_the_context() -> None:
    """Whatever a stage copies exists and is let through by the list of what is left out; nothing else is."""
    copied = {
        source
        for stage in instructions()
        for name, value in stage
        if name == "COPY" and "--from" not in value
        for source in value.split()[:-1]
    }
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {source if (ROOT / source).exists() else f"{source} is missing" for source in copied} == let_through


def copy(words: list[str], source: Path, target: Path) -> None:
    """Do what COPY does: of a folder its content goes to the target."""
    for word in words:
        if (source / word).is_dir():
            shutil.copytree(source / word, target, dirs_exist_ok=True)
        elif target.suffix or target.name.endswith("gate"):
            shutil.copy(source / word, target)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / word, target)


@pytest.mark.needs("compiler")
def test_its_commands(tmp_path: Path, checkout: Path, project: Callable[[str], Path]) -> None:
    """Built from its own files alone, what the second stage takes is whole: entry point, extras, scanner, script."""

    def there(text: str) -> str:
        for place in _PLACES:
            text = text.replace(place, f"{tmp_path}{place}")
        return text

    build, final = instructions()
    folder = tmp_path
    for name, value in build:
        if name == "WORKDIR":
            folder = tmp_path / value[1:]
            folder.mkdir()
        elif name == "COPY":
            *sources, target = value.split()
            copy(sources, checkout, folder / target)
        elif name == "RUN" and "apt-get" not in value:
            done = run(["sh", "-e", "-c", there(value)], folder, environment(CC="cc"))
            assert done.code == 0, done.out
    for name, value in final:
        if name == "COPY" and "--from" not in value:
            source, target = value.split()
            shutil.copy(checkout / source, tmp_path / target[1:])
    entry = tmp_path / "opt/ops-checks/bin"
    assert not list(entry.glob("pip*"))
    environ = environment(entry)
    words = [*json.loads(dict(final)["ENTRYPOINT"]), *json.loads(dict(final)["CMD"])]
    assert run(words, tmp_path, environ).code == 0
    done = run(["ops-checks-gate", "--only", "queue"], project("good"), environ)
    assert (done.code, done.out.splitlines()[-1]) == (0, "HEALTH_OK"), done.out
    assert run(["python", "-c", "import psycopg, backports.zstd"], tmp_path, environ).code == 0
