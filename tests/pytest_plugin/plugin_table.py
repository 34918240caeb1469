"""The pytest plugins that people combine with ours: how each is switched on, and what it shows or writes."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from typing import NamedTuple


class Row(NamedTuple):
    """A plugin by its distribution, with others that it needs, and how it is used.

    `shows`: lines of the session with a failed check, as patterns. `writes`: files that name the failed check.
    """

    name: str
    args: str = ""
    needs: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    environ: tuple[tuple[str, str], ...] = ()

    @property
    def installed(self) -> bool:
        """Whether all that it needs is in this environment."""
        return all(map(_installed, (self.name, *self.needs)))

    @property
    def entries(self) -> tuple[str, ...]:
        """The names under which pytest loads it and what it needs."""
        return entries(*self.needs, self.name)


def entries(*names: str) -> tuple[str, ...]:
    """Return the names under which pytest loads the plugins of some distributions."""
    found = (entry for name in names for entry in distribution(name).entry_points if entry.group == "pytest11")
    return tuple(entry.name for entry in found if entry.name != "xdist.looponfail")


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


_DJANGO = "SECRET_KEY = 'x'\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}\n"
_XDIST = ("pytest-xdist",)

#: What changes nothing, or reports: the session is the same, and the plugin's own output is there.
REPORTING = (
    Row("pytest-cov", "--cov --cov-report=term", shows=("TOTAL *",)),
    Row("pytest-asyncio", "--asyncio-mode=auto", shows=("asyncio: mode=*",)),
    Row("anyio"),
    Row("pytest-json-ctrf", "--ctrf=ctrf.json", writes=("ctrf.json",)),
    Row("pytest-mock"),
    Row("pytest-timeout", "--timeout=60", shows=("timeout: 60*",)),
    Row("hypothesis", "--hypothesis-show-statistics", shows=("*Hypothesis Statistics*",)),
    Row("pytest-metadata", "--metadata stage x"),
    Row("pytest-html", "--html=r.html --self-contained-html", ("pytest-metadata",), writes=("r.html",)),
    Row("pytest-env", files=(("pytest.ini", "[pytest]\nenv =\n  STAGE=x\n"),)),
    Row("pytest-dotenv", files=((".env", "STAGE=x\n"),)),
    Row("pytest-django", "--ds=stage", shows=("django: *",), files=(("stage.py", _DJANGO),)),
    Row("requests-mock"),
    Row("respx"),
    Row("Faker"),
    Row("time-machine"),
    Row("pytest-freezer"),
    Row("pytest-benchmark", shows=("benchmark: *",)),
    Row("pytest-benchmark", "--benchmark-skip"),
    Row("pytest-codspeed"),
    Row("pytest-json-report", "--json-report", ("pytest-metadata",), writes=(".report.json",)),
    Row("pytest-socket", "--disable-socket"),
    Row("pytest-unordered"),
    Row("syrupy"),
    Row("syrupy", "--snapshot-update -n2", _XDIST),
    Row("pytest-regressions", "--force-regen", ("pytest-datadir",)),
    Row("pytest-base-url", "--base-url=http://localhost", shows=("baseurl: *",)),
    Row("pytest-playwright", "--tracing=on", ("pytest-base-url",)),
    Row("pytest-custom-exit-code", "--suppress-no-test-exit-code"),
    Row("pytest-icdiff"),
    Row("pytest-clarity"),
    Row("pytest-httpx"),
    Row("pytest-httpserver"),
    Row("pytest-instafail", "--instafail", shows=("*field-mismatch*",)),
    Row("pytest-sugar", "--force-sugar", shows=("Results *",)),
    Row("pytest-sugar", "--force-sugar -n2", _XDIST, shows=("Results *",)),
    Row("allure-pytest", "--alluredir=allure", writes=("allure/*-result.json",)),
    Row("pytest-recording", "--record-mode=none --block-network"),
    Row("pytest-subtests"),
    Row("pytest-check"),
    Row("pytest-bdd", "--cucumberjson=c.json"),
    Row("pytest-docker-tools"),
    Row("pytest-lazy-fixtures"),
    Row("pytest-factoryboy"),
    Row("pytest-harvest", "", _XDIST),
    Row("pytest-profiling", "--profile", shows=("Profiling *",)),
    Row("pytest-memray", "--memray", shows=("*MEMRAY REPORT*",)),
    Row("pytest-reportlog", "--report-log=log.jsonl", writes=("log.jsonl",)),
    Row("pytest-nunit", "--nunit-xml=n.xml", writes=("n.xml",)),
    Row("pytest-azurepipelines", "", ("pytest-nunit",), shows=("##vso*",), writes=("test-output.xml",)),
    Row(
        "pytest-github-actions-annotate-failures",
        shows=("::error file=automation/orchestrator/QUEUE.md,line=8::*fields that differ*",),
        environ=(("GITHUB_ACTIONS", "true"),),
    ),
)
#: What distributes, orders, repeats or retries: the same checks with the same verdicts.
ORDERING = (
    *(Row("pytest-xdist", f"-n2 --dist={mode}") for mode in ("load", "loadscope", "loadfile", "loadgroup")),
    *(Row("pytest-xdist", args) for args in ("-n0", "-n2 --dist=worksteal", "-n2 --dist=each")),
    Row("pytest-randomly", "-prandomly -p randomly", shows=("Using --randomly-seed=*",)),
    *(
        Row("pytest-random-order", f"--random-order-bucket={bucket}", shows=(f"Using --random-order-bucket={bucket}",))
        for bucket in ("package", "class", "parent")
    ),
    Row("pytest-order", "--order-dependencies --indulgent-ordering"),
    Row("pytest-dependency", "--ignore-unknown-dependency"),
    Row("pytest-rerunfailures", "--reruns=2", shows=("*1 failed, 7 passed, 2 rerun*",)),
    Row("pytest-rerunfailures", "--reruns=2 -n2", _XDIST, shows=("*1 failed, 7 passed, 2 rerun*",)),
    Row("pytest-retry", "--retries=2", shows=("*field-mismatch failed after 3 attempts!",)),
    Row("pytest-retry", "--retries=2 -n2", _XDIST, shows=("*field-mismatch failed after 3 attempts!",)),
    Row("flaky", "--force-flaky --max-runs=3", shows=("field-mismatch failed; it passed 0 out of *",)),
    Row("pytest-repeat", "--count=2", shows=("*1 failed, 8 passed*",)),
    Row("pytest-flakefinder", "--flake-finder --flake-runs=2"),
)
#: What takes a part of the tests, and drops the others without being asked about our checks.
SELECTING = (
    Row("pytest-testmon", "--testmon"),
    *(Row("pytest-shard", f"--num-shards=3 --shard-id={number}") for number in (0, 1, 2)),
    *(Row("pytest-split", f"--splits=3 --group={number}") for number in (1, 2, 3)),
    Row("pytest-split", "--store-durations"),
    *(Row("pytest-test-groups", f"--test-group-count=3 --test-group={number}") for number in (1, 2, 3)),
    *(
        Row("pytest-test-groups", f"--test-group-count=2 --test-group={number} --test-group-by=filename")
        for number in (1, 2)
    ),
    Row("pytest-picked", "--picked"),
    Row("pytest-picked", "--picked --mode=branch"),
    Row("pytest-picked", "--picked=first"),
)
ROWS = (*REPORTING, *ORDERING, *SELECTING)

#: Plugins that do the same in another way, or refuse each other: a session has one of each.
CHOICES = (
    ("pytest-randomly", "pytest-random-order"),
    ("pytest-rerunfailures", "pytest-retry", "flaky"),
    ("pytest-sugar", "pytest-instafail"),
    ("pytest-icdiff", "pytest-clarity"),
    ("pytest-benchmark", "pytest-codspeed"),
    ("pytest-env", "pytest-dotenv"),
)
