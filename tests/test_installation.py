"""It installs from where a reader stands: what the manual says is done, and the program that it leaves is run."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest
from scratch_installation import TOOLS, environment, make_environment, shell

from ops_checks import help as manual
from ops_checks.errors import install_extra

ROOT = Path(__file__).parents[1]
PAGE = manual.page("install")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = set(PROJECT["project"]["optional-dependencies"])
ADDRESS = "git+https://HOST/OWNER/ops-checks@REF"
#: All but Spark, which is as large as everything else twenty times over: ci/versions has it.
SMALL = "postgres,live,zst"


def commands() -> list[str]:
    """Return the commands of the page's tables; those of one cell that build on each other are one."""
    found = []
    for row in re.findall(r"^\| (?:in|any|with).*\| (.+) \|$", PAGE, re.MULTILINE):
        spoken = re.findall(r"`((?:python3|pipx|uv) [^`]+)`", row)
        found += [" && ".join(spoken)] if ", there " in row else spoken
    return found


def assert_works(folder: Path, environ: dict[str, str]) -> None:
    """Assert that the program that is first in the path is whole: it makes a demo, finds its drift and its alerts."""
    folder.mkdir()
    words = "ops-checks --version && ops-checks init --demo && ops-checks policy check && ops-checks check"
    done = shell(words, folder, environ)
    assert (done.returncode, done.stdout.startswith("ops-checks 0.")) == (1, True), done.stdout + done.stderr
    assert "ORCH-030" in done.stdout


#: Of a usual run: each tool, from the folder and from an address, with an extra and without.
_USUAL = (0, 6, 12)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=() if number in _USUAL else pytest.mark.one_of_many)
        for number, command in enumerate(commands())
    ],
)
def test_what_the_page_says(checkout: Path, tmp_path: Path, command: str) -> None:
    """Each command of the page installs what runs, from the folder or from its git address; extras come along."""
    copy = tmp_path / "ops-checks"
    assert shell(f"git clone -q {checkout} {copy}", tmp_path, environment()).returncode == 0
    places = {name: tmp_path / name for name in ("PIPX_HOME", "PIPX_BIN_DIR", "PIPX_MAN_DIR", "UV_TOOL_DIR")}
    environ = environment(
        make_environment(tmp_path / "env"), tmp_path / "PIPX_BIN_DIR", **places,
        UV_TOOL_BIN_DIR=tmp_path / "PIPX_BIN_DIR", PIPX_DEFAULT_PYTHON=sys.executable,
    )  # fmt: skip
    program = re.sub(r"(^|\s)(pipx|uv) ", rf"\1{TOOLS}/\2 ", command)
    if "*.whl)[" in command:
        program = f"python3 -m pip wheel --no-deps -w dist . && {program}"
    done = shell(program.replace(ADDRESS, f"git+file://{copy}@main"), copy, environ)
    assert done.returncode == 0, done.stderr
    assert_works(tmp_path / "demo", environ)
    told = shell("ops-checks --db service=nowhere status", tmp_path, environ)
    assert ("no such service" in told.stderr) == ("postgres" in command), told.stderr
    assert (install_extra("postgres") in told.stderr) == ("postgres" not in command)


def test_the_ways() -> None:
    """The page has a folder, a wheel and an address, by pip, pipx and uv, each with and without an extra."""
    for words in ("python3 -m pip install", "pipx install", "uv tool install"):
        for source in (r" '?\.", r"git\+https", *([r"dist/"] if "pip " in words else [])):
            found = [command for command in commands() if words in command and re.search(source, command)]
            assert {"[postgres]" in command for command in found} == {True, False}, (words, source)


def test_the_extras() -> None:
    """The page names each extra of the package and no other, and so do errors and the other documents."""
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == EXTRAS
    package = [path.read_text(encoding="utf-8") for path in (ROOT / "ops_checks").rglob("*.py")]
    asked = set(re.findall(r"install_extra\(['\"](\w+)['\"]\)", "".join(package)))
    asked |= set(re.findall(r'extra="(\w+)"', "".join(package)))
    assert asked == EXTRAS


def test_nothing_claims_an_index() -> None:
    """No text that a reader meets installs by the bare name, which asks an index that this package is not on."""
    files = [path for folder in ("ops_checks", "ci", ".pre-commit-hooks.yaml", "README.md") for path in _files(folder)]
    asks = r"(?:install|run|add|inject|uvx)\b[^\n`]* ['\"]?ops[-_]checks(?:\[[^]]*\])?(?=[='\"`<>~\n]|$)"
    bare = re.compile(rf"\b(?:pip|pipx|uv)\S* (?:tool )?{asks}")
    claims = [(path.name, found[0]) for path in files for found in bare.finditer(path.read_text(encoding="utf-8"))]
    assert [claim for claim in claims if "--no-index" not in claim[1]] == []


def _files(name: str) -> list[Path]:
    path = ROOT / name
    files = [path] if path.is_file() else path.rglob("*")
    return [each for each in files if "__pycache__" not in each.parts and each.suffix != ".so" and each.is_file()]


def lowest(folder: Path) -> Path:
    """Write constraints to the oldest version of each dependency that pyproject.toml admits, extras included."""
    file = folder / "oldest.txt"
    words = f"{TOOLS}/uv pip compile -q --all-extras --resolution lowest-direct --python {sys.executable} -o {file}"
    done = shell(f"{words} pyproject.toml", ROOT, environment())
    assert done.returncode == 0, done.stderr
    return file


@pytest.mark.parametrize(
    ("kind", "versions"),
    [
        ("*.whl", "oldest"),
        pytest.param("*.tar.gz", "newest", marks=pytest.mark.one_of_many),
        pytest.param("*.whl", "newest", marks=pytest.mark.one_of_many),
        pytest.param("*.tar.gz", "oldest", marks=pytest.mark.one_of_many),
    ],
)
def test_the_oldest_and_the_newest(built: Path, tmp_path: Path, kind: str, versions: str) -> None:
    """Wheel and sdist work in an empty environment, with both faces, on the oldest and the newest that is admitted."""
    bin_folder = make_environment(tmp_path / "env")
    environ = environment(bin_folder)
    (archive,) = built.glob(kind)
    limit = f"-c {lowest(tmp_path)}" if versions == "oldest" else ""
    install = f"{TOOLS}/uv pip install -q --python {bin_folder}/python {limit}"
    done = shell(f"{install} 'ops-checks[{SMALL}] @ file://{archive}'", tmp_path, environ)
    assert done.returncode == 0, done.stderr
    assert_works(tmp_path / "demo", environ)
    told = shell("python -m pip list --format=freeze", tmp_path, environ).stdout.lower()
    if versions == "oldest":
        declared = PROJECT["project"]["dependencies"]
        pinned = [re.fullmatch(r"([a-z.]+)>=([\d.]+)", each) for each in declared]
        assert [each[1] for each in pinned if not re.search(rf"^{each[1]}=={each[2]}(\.0)*$", told, re.MULTILINE)] == []
    _assert_faces(tmp_path / "demo", environ)


def _assert_faces(demo: Path, environ: dict[str, str]) -> None:
    report = shell("ops-checks check -f json=r.json -f junit=r.xml || ops-checks report r.json", demo, environ)
    assert (report.returncode, "ORCH-030" in report.stdout) == (0, True), report.stderr
    plugin = shell("python -m pytest -q --queue-check", demo, environ)
    assert (plugin.returncode, "field-mismatch" in plugin.stdout) == (1, True), plugin.stdout + plugin.stderr
    (demo / "ops-checks.yaml").write_text("nonsense: 1\n")
    policy = shell("ops-checks policy check", demo, environ)
    assert (policy.returncode, "ops-checks.yaml:1" in policy.stderr) == (4, True), policy.stderr
    view = shell("python -c 'import ops_checks.cli.live.app, tqdm'", demo, environ)
    assert view.returncode == 0, view.stderr
