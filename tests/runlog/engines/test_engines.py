"""Which engine reads the run log, and what is told where it cannot be had; no test here starts Spark."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest
from runlog_lines import end

from ops_checks.errors import InputError, UsageError
from ops_checks.policy.loader import load_policy
from ops_checks.runlog.engines import ENGINES, EXPECTED, Wanted, is_log_url, parse_engine, read_log
from ops_checks.runlog.engines.spark.failures import failures
from ops_checks.runlog.filter import RunFilter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INSTALL = "install ops-checks with its extra spark, as `ops-checks help install` says"
JAVA = "Spark needs Java 17 or newer: install it (Debian: apt-get install default-jre-headless)"


@pytest.mark.parametrize(
    ("word", "engine"),
    [
        ("local", ("local", None)),
        ("spark", ("spark", None)),
        ("spark=local[2]", ("spark", "local[2]")),
        ("spark=spark://a:7077,b:7077", ("spark", "spark://a:7077,b:7077")),
    ],
)
def test_an_engine_as_it_is_written(word: str, engine: tuple[str, str | None]) -> None:
    """A name, and for Spark the master behind `=`."""
    assert parse_engine(word) == engine


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("sprak", f"no engine 'sprak': expected {EXPECTED}"),
        ("", f"no engine '': expected {EXPECTED}"),
        ("Spark", f"no engine 'Spark': expected {EXPECTED}"),
        ("local=3", "engine local: takes nothing behind `=`, found '3'"),
        ("spark=", "engine spark: expected spark=MASTER, found nothing behind `=`"),
        ("spark= ", "engine spark: expected spark=MASTER, found nothing behind `=`"),
    ],
)
def test_what_is_no_engine(word: str, message: str, run: Callable[..., tuple[int, str, str]]) -> None:
    """It is a usage error that names what is known; the command line suggests what was meant."""
    with pytest.raises(UsageError) as raised:
        parse_engine(word)
    assert raised.value.message == message
    code, out, err = run("kpi", "--engine", word)
    meant = "; did you mean spark?" if word in {"sprak", "Spark"} else ""
    assert (code, out, err) == (4, "", f"error: argument --engine: {message}: see `ops-checks kpi --help`{meant}\n")


def test_every_engine_can_be_imported() -> None:
    """A line of the table names a module that reads."""
    for engine in ENGINES.values():
        assert callable(importlib.import_module(engine.module).read)


@pytest.mark.parametrize(
    ("location", "is_url"),
    [
        ("s3a://bucket/runs.jsonl", True),
        ("hdfs://host:8020/logs/*.jsonl", True),
        ("file:///logs/runs.jsonl", True),
        ("runs.jsonl", False),
        ("/logs/a:b//runs.jsonl", False),
        ("logs/http://x", False),
    ],
)
def test_what_a_url_is(location: str, is_url: bool) -> None:  # noqa: FBT001 - a column of the table
    """A scheme and two slashes begin one."""
    assert is_log_url(location) is is_url


def test_the_local_reader_reads_no_url() -> None:
    """It says what does."""
    with pytest.raises(InputError, match=r"^s3a://b/runs\.jsonl: a URL, .*: see --engine spark$"):
        read_log("local", Wanted(["s3a://b/runs.jsonl"], print), RunFilter())


def test_the_policy_names_the_engine(tmp_path: Path) -> None:
    """`kpi.engine` is what reads; a word that is none is refused with what is known."""
    path = tmp_path / "ops-checks.yaml"
    path.write_text("kpi:\n  engine: spark=spark://m:7077\nlog: s3a://bucket/*.jsonl\n", encoding="utf-8")
    policy = load_policy(str(path))
    assert policy.kpi.engine == "spark=spark://m:7077"
    assert policy.with_limits({}, engine="local").kpi.engine == "local"
    assert policy.without_exceptions().kpi.engine == "spark=spark://m:7077"
    path.write_text("kpi:\n  engine: duckdb\n", encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        load_policy(str(path))
    assert raised.value.message == f'{path}:2:11: kpi.engine: "duckdb" is not allowed; expected {EXPECTED}'


@pytest.fixture
def log(folder: Path) -> Path:
    """Lay down a project with a log."""
    path = folder / "runs.jsonl"
    path.write_bytes(end())
    return path


def spark_error(run: Callable[..., tuple[int, str, str]], word: str = "spark") -> str:
    """Return the one line that says why there is no Spark."""
    code, out, err = run("kpi", "--engine", word, "--log-path", "runs.jsonl")
    assert (code, out) == (3, "")
    assert err.startswith("error: engine spark: ")
    assert err.count("\n") == 1
    return err.removeprefix("error: engine spark: ").rstrip()


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("module", ["pyspark", "pyarrow", "pandas", "py4j"])
def test_without_a_module(module: str, monkeypatch: pytest.MonkeyPatch, run: Callable[..., tuple[int, str, str]]):
    """What is missing is named, and what to install."""
    monkeypatch.setitem(sys.modules, module, None)
    assert spark_error(run) == f"{module} is not installed: {INSTALL}"


@pytest.mark.usefixtures("log")
def test_with_an_old_pyspark(monkeypatch: pytest.MonkeyPatch, run: Callable[..., tuple[int, str, str]]) -> None:
    """The version found is named, and the one that is needed."""
    import pyspark

    monkeypatch.setattr(pyspark, "__version__", "3.5.1")
    assert spark_error(run) == f"pyspark 3.5.1 is too old, 4.0 or newer is needed: {INSTALL}"


@pytest.mark.usefixtures("log")
def test_without_java(folder: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., tuple[int, str, str]]) -> None:
    """Java is looked for where Spark looks for it."""
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert spark_error(run) == f"there is no `java`: {JAVA}"
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    assert spark_error(run) == f"JAVA_HOME=/nowhere has no bin/java: {JAVA}"


@pytest.mark.usefixtures("log")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pyspark leaves a pipe open
@pytest.mark.parametrize(
    ("says", "told"),
    [
        (
            "echo 'Error: LinkageError: UnsupportedClassVersionError: x' >&2; exit 1",
            f"{JAVA} (UnsupportedClassVersionError)",
        ),
        ("echo 'Unrecognized option: --add-opens=x' >&2; exit 1", f"{JAVA} (Unrecognized option: --add)"),
        ("echo on stdout; echo 'no luck' >&2; exit 1", f"Java ended at once (no luck): {JAVA}"),
    ],
)
def test_with_a_java_that_does_not_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., tuple[int, str, str]], says: str, told: str
) -> None:
    """What it says goes to no stream of ours, and becomes one line."""
    java = folder / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(folder))
    assert spark_error(run) == told


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    "master", ["spark://127.0.0.1:1", "spark://127.0.0.1:1,127.0.0.1:2", "spark://nowhere.invalid:1"]
)
def test_with_a_master_that_is_not_there(master: str, run: Callable[..., tuple[int, str, str]]) -> None:
    """Spark itself would try for a minute."""
    assert spark_error(run, f"spark={master}").startswith(f"{master} cannot be reached (")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("java.io.InvalidClassException: X; local class incompatible", "the cluster runs another version of Spark"),
        ("ModuleNotFoundError: No module named 'pandas'", "a worker's Python lacks a module"),
        ('Cannot run program "python9": error=2', "a worker has no such program: set PYSPARK_PYTHON"),
        ("java.lang.OutOfMemoryError: Java heap space", "out of memory"),
        ("Job 3 cancelled because SparkContext was shut down", "Spark, or its last worker, went away in the middle"),
        ("first\nsecond", "PySparkException (first)"),
    ],
)  # fmt: skip
def test_failures_in_one_line(text: str, told: str) -> None:
    """Whatever Spark raises is one line that says what to do."""
    from pyspark.errors import PySparkException

    with pytest.raises(InputError) as raised, failures(None):
        raise PySparkException(text)
    assert raised.value.message.startswith(f"engine spark: {told}")
    assert "\n" not in raised.value.message


def test_a_defect_of_our_own_is_no_failure_of_spark() -> None:
    """What nobody expected is told as that, to be reported."""
    with pytest.raises(KeyError), failures(None):
        raise KeyError("x")


def test_a_log_that_is_not_there_is_told_before_spark_is_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., tuple[int, str, str]]
) -> None:
    """Spark takes its time, and a name is mistyped in no time."""
    monkeypatch.setenv("PATH", str(folder))
    for name, message in (
        ("nowhere.jsonl", "no such run log"),
        (".", "is a directory"),
        ("*.log", "no run log matches"),
    ):
        code, out, err = run("kpi", "--engine", "spark", "--log-path", name)
        assert (code, out) == (3, "")
        assert err.startswith(f"error: {name}: {message}")


def test_no_report_is_written_over_a_log_that_a_url_names(run: Callable[..., tuple[int, str, str]], log: Path) -> None:
    """A URL of a file of this machine is that file."""
    code, out, err = run("check", "-f", f"json={log.name}", "--engine", "spark", "--log-path", f"file://{log}")
    assert (code, out) == (4, "")
    assert "is an input" in err
    assert log.read_bytes() == end()


def test_a_password_in_a_url(run: Callable[..., tuple[int, str, str]]) -> None:
    """It is refused, and not said again."""
    code, out, err = run("kpi", "--engine", "spark", "--log-path", "s3a://me:secret@bucket/runs.jsonl")
    told = "error: a log's URL holds a password, and everybody can read it: take it out, Spark's settings have it\n"
    assert (code, out, err) == (4, "", told)


def test_an_option_that_changes_nothing(run: Callable[..., tuple[int, str, str]], log: Path) -> None:
    """`--engine` beside other checks only is told."""
    _, _, err = run("check", "--only", "consistency", "--engine", "local", "--log-path", log)
    assert "note: --engine changes nothing with --only consistency\n" in err
