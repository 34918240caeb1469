"""Start Spark, once in a process, and tell in one line why it cannot be had or has failed.

Spark's own log goes to a file without a name, which is read only to explain a failure: stdout is the report's, and
stderr has our lines. Under `spark-submit` Spark runs already, and logs where it was told to.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ops_checks.errors import InputError
from ops_checks.runlog.engines.spark.shipping import make_archive
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

#: The oldest version of pyspark with what is used of it, and the oldest of Java that it runs on.
_LEAST_PYSPARK = 4
_LEAST_JAVA = 17
_INSTALL = "pip install 'ops-checks[spark]'"
_JAVA = f"Spark needs Java {_LEAST_JAVA} or newer: install it (Debian: apt-get install default-jre-headless)"
_DEFAULT_MASTER = "local[*]"
_CONNECT_S = 5.0
#: So long a cluster may take to give the first worker, in seconds.
_FIRST_WORKER_S = 60.0
_LOG_BYTES = 1 << 16

_SETTINGS = {
    "spark.app.name": "ops-checks",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.catalogImplementation": "in-memory",
    # Whole logs in one task each (see `engine`), and a log that is cut off is an error and not a shorter log.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.session.timeZone": "UTC",
}
#: On one machine nothing of it may be reached from another one.
_LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


class Session:
    """A running Spark: `spark` is its SparkSession, `archive` the name of what was shipped to its workers."""

    def __init__(self, spark: Any, archive: str, target: str | None, log: IO[bytes] | None) -> None:  # noqa: ANN401 - of pyspark
        self.spark = spark
        self.archive = archive
        self.target = target
        self.log = log

    @property
    def parallelism(self) -> int:
        """How many tasks run at once."""
        return max(1, int(self.spark.sparkContext.defaultParallelism))


_started: list[Session] = []


def session(target: str | None) -> Session:
    """Return the Spark of this process, started where it is not; `target` is its master. Raises InputError."""
    if _started and (target is None or target == _started[0].target):
        return _started[0]
    stop()
    pyspark = _import_pyspark()
    _must_be_reachable(target)
    folder = tempfile.mkdtemp(prefix="ops-checks-spark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    log: IO[bytes] | None = None if "PYSPARK_GATEWAY_PORT" in os.environ else tempfile.TemporaryFile()  # noqa: SIM115 - Spark writes to it as long as it runs
    with failures(log):
        spark = _start(pyspark, target, folder, log)
        _started.append(Session(spark, "", target, log))
        _wait_for_worker(spark)
        archive, name = make_archive(folder)
        spark.sparkContext.addArchive(f"{archive}#{name}")
        _started[0].archive = name
    atexit.register(stop)
    return _started[0]


def stop() -> None:
    """Stop the Spark of this process, if one runs."""
    while _started:
        with suppress(Exception), _quiet():
            _started.pop().spark.stop()


def _import_pyspark() -> Any:  # noqa: ANN401 - a module
    try:
        with _quiet():
            for name in ("pandas", "pyarrow", "py4j"):  # pyspark asks for them at their first use only
                import_module(name)
            import pyspark
    except ImportError as error:
        name = error.name or "pyspark"
        raise InputError(f"engine spark: {name} is not installed: {_INSTALL}") from error
    found = pyspark.__version__
    if int(found.partition(".")[0]) < _LEAST_PYSPARK:
        raise InputError(f"engine spark: pyspark {found} is too old, {_LEAST_PYSPARK}.0 or newer is needed: {_INSTALL}")
    return pyspark


def _start(pyspark: Any, target: str | None, folder: str, log: IO[bytes] | None) -> Any:  # noqa: ANN401 - of pyspark
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    master = target or os.environ.get("MASTER") or _DEFAULT_MASTER
    settings = dict(_SETTINGS, **{"spark.sql.warehouse.dir": os.path.join(folder, "warehouse")})
    if log is not None and master.startswith("local"):
        settings |= _LOOPBACK
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if target:
        settings["spark.master"] = target
    conf = pyspark.SparkConf(loadDefaults=False)
    for key, value in settings.items():
        conf.set(key, value)
    if log is not None:
        _must_have_java()
    context = pyspark.SparkContext
    if context._gateway is None:  # noqa: SLF001 - the one way to say where Spark's own log goes
        streams = {"stdout": subprocess.DEVNULL, "stderr": log} if log is not None else {}
        context._gateway = launch_gateway(conf, streams)  # noqa: SLF001
        context._jvm = context._gateway.jvm  # noqa: SLF001
    known = pyspark.SparkConf(_jvm=context._jvm)  # noqa: SLF001 - with what spark-submit and spark-defaults.conf say
    for key, value in settings.items():
        known.set(key, value)
    known.setIfMissing("spark.master", master)
    return SparkSession(pyspark.SparkContext(conf=known))


def _must_be_reachable(target: str | None) -> None:
    """Raise InputError for a standalone master that nobody listens as: Spark itself tries for a minute."""
    if not (target or "").startswith("spark://"):
        return
    reasons = []
    for address in (target or "").removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()
        except (OSError, ValueError, OverflowError) as error:
            reasons.append(getattr(error, "strerror", None) or str(error))
            continue
        return
    raise InputError(f"engine spark: {visible(target or '')} cannot be reached ({reasons[-1]}): check the master's URL")


def _wait_for_worker(spark: Any) -> None:  # noqa: ANN401 - of pyspark
    """Raise InputError where a cluster gives no worker: its jobs would wait for ever."""
    context = spark.sparkContext
    if context.master.startswith("local"):
        return
    until = time.monotonic() + _FIRST_WORKER_S
    while _executors(context) == 0:
        if time.monotonic() > until:
            stop()
            raise InputError(
                f"engine spark: {visible(context.master)} gave no worker within {_FIRST_WORKER_S:.0f} s: "
                "look whether it has free ones, of the same version of Spark"
            )
        time.sleep(0.2)


def _executors(context: Any) -> int:  # noqa: ANN401 - of pyspark
    """Return how many executors there are, without the driver."""
    return int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1  # noqa: SLF001 - pyspark has no other name for it


def _must_have_java() -> None:
    found = os.environ.get("JAVA_HOME")
    java = os.path.join(found, "bin", "java") if found else "java"
    if shutil.which(java) is None:
        where = f"JAVA_HOME={visible(found)} has no bin/java" if found else "there is no `java`"
        raise InputError(f"engine spark: {where}: {_JAVA}")


@contextmanager
def failures(log: IO[bytes] | None) -> Iterator[None]:
    """Raise InputError, in one line, for whatever Spark raises in the block; its warnings are nobody's here."""
    try:
        with _quiet():
            yield
    except (InputError, KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"engine spark: {_explained(error, _tail(log))}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _tail(log: IO[bytes] | None) -> str:
    if log is None:
        return ""
    size = os.fstat(log.fileno()).st_size
    return os.pread(log.fileno(), _LOG_BYTES, max(0, size - _LOG_BYTES)).decode("utf-8", "replace")


#: What a text of Spark's means to who reads it, the surer ones first.
_KNOWN = (
    (r"UnsupportedClassVersionError|class file version|Unrecognized option: --add", _JAVA),
    (r"JAVA_HOME is not set|java: (command )?not found", _JAVA),
    (
        r"InvalidClassException|serialVersionUID|local class incompatible",
        "the cluster runs another version of Spark than this pyspark: install the pyspark of its version",
    ),
    (
        r"PYTHON_VERSION_MISMATCH|Python in worker has different version",
        "the workers run another version of Python: set PYSPARK_PYTHON to one of the version that runs this",
    ),
    (
        r'Cannot run program "([^"]+)"',
        "a worker has no such program: set PYSPARK_PYTHON to a Python that is there on every worker",
    ),
    (r"No module named '?[\w.]+", "a worker's Python lacks a module: it needs pyspark, pandas and pyarrow"),
    (
        r"Could not parse Master URL|Master must either be",
        "that is no master: local[N], spark://HOST:PORT, yarn or k8s://URL",
    ),
    (r"All masters are unresponsive|Failed to connect to", "its master cannot be reached: check the master's URL"),
    (
        r"No FileSystem for scheme|ClassNotFoundException: Class org\.apache\.hadoop\.fs",
        "Spark has no such file system: give it the package (for s3a:// hadoop-aws, in spark.jars.packages)",
    ),
    (r"OutOfMemoryError|Java heap space", "out of memory: give it more (spark.executor.memory, spark.driver.memory)"),
    (
        r"SparkContext was shut down|has been shut down|ExecutorLostFailure|Answer from Java side is empty"
        r"|Error while sending or receiving|Connection reset",
        "Spark, or its last worker, went away in the middle: run it again",
    ),
)


def _explained(error: BaseException, log: str) -> str:
    text = str(error)
    for pattern, meaning in _KNOWN:
        found = re.search(pattern, text) or re.search(pattern, log)
        if found:
            return f"{meaning} ({visible(found[0])[:80]})"
    if "JAVA_GATEWAY_EXITED" in text:
        return f"Java ended at once ({_last_line(log)}): {_JAVA}"
    return f"{type(error).__name__} ({_first_line(text)}): OPS_CHECKS_DEBUG=1 prints all of it"


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    caused = [line for line in lines if re.match(r"(: |Caused by: )?[a-z]+(\.\w+)+(Exception|Error)", line)]
    return visible((caused or lines or [""])[0].removeprefix(": ").removeprefix("Caused by: "))[:200]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return visible(lines[-1])[:200] if lines else "no word"
