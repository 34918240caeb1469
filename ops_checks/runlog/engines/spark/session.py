"""Start Spark, once in a process, and tell in one line why it cannot be had or has failed.

Spark's own log goes to a file without a name, which is read only to explain a failure: stdout is the report's, and
stderr has our lines. Under `spark-submit` Spark runs already, and logs where it was told to.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ops_checks.errors import InputError, install_extra
from ops_checks.runlog.engines.spark.failures import JAVA, failures, quiet
from ops_checks.runlog.engines.spark.shipping import make_archive
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

#: The oldest version of pyspark with what is used of it.
_LEAST_PYSPARK = 4
_INSTALL = install_extra("spark")
_DEFAULT_MASTER = "local[*]"
_CONNECT_S = 5.0
#: So long a cluster may take to give the first worker, and another one in place of the last, in seconds.
_FIRST_WORKER_S = 60.0
NO_WORKER_S = 60.0
_LOOK_S = 1.0
_END_S = 10.0

#: What Spark is started with, where nobody says otherwise.
_DEFAULTS = {
    "spark.app.name": "ops-checks",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.catalogImplementation": "in-memory",
}
#: What the reading relies on, whoever has started Spark.
_SETTINGS = {
    # A log that cannot be read to its end is an error, and not a shorter log.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(64 << 20),  # a line may have 16 MB, and far more
}
#: On one machine nothing of it may be reached from another one.
_LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


class Session:
    """A running Spark: `spark` is its SparkSession, `archive` the name of what was shipped to its workers.

    `table` is what it keeps for the questions about the logs that were read last. `borrowed`: the program around us, a
    test session say, has started it, and stops it.
    `log` is what it logs, None where it logs elsewhere.
    """

    def __init__(self, target: str | None) -> None:
        self.target = target
        self.spark: Any = None
        self.archive = ""
        self.table: Any = None
        self.borrowed = False
        self.log: IO[bytes] | None = None
        if "PYSPARK_GATEWAY_PORT" not in os.environ:
            self.log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as Spark runs

    @property
    def parallelism(self) -> int:
        """How many tasks run at once."""
        return max(1, int(self.spark.sparkContext.defaultParallelism))

    def stop(self) -> None:
        """Stop Spark, and close its log."""
        with suppress(Exception), quiet():
            if self.spark is not None and not self.borrowed:
                self.spark.stop()
        if self.log is not None:
            self.log.close()


_started: list[Session] = []


@cache
def _folder() -> str:
    """Return the folder of all that Spark writes in this process, which goes with it."""
    folder = tempfile.mkdtemp(prefix="ops-checks-spark-")
    atexit.register(_leave, folder)
    return folder


def _leave(folder: str) -> None:
    """End the Java that was started here, wait for it, since it tidies up too, and remove a folder."""
    from pyspark import SparkContext

    process = getattr(SparkContext._gateway, "proc", None)  # noqa: SLF001 - see `_start`
    if process is not None:
        process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def session(target: str | None) -> Session:
    """Return the Spark of this process, started where it is not; `target` is its master. Raises InputError."""
    if _started and (target is None or target == _started[0].target):
        return _started[0]
    stop()
    pyspark = _import_pyspark()
    _must_be_reachable(target)
    started = Session(target)
    try:
        with failures(started.log):
            started.spark = _start(pyspark, started)
            for key, value in _SETTINGS.items():
                started.spark.conf.set(key, value)
            _wait_for_worker(started.spark)
            archive, started.archive = make_archive(_folder())
            started.spark.sparkContext.addArchive(f"{archive}#{started.archive}")
    except BaseException:
        started.stop()
        raise
    _started.append(started)
    atexit.register(stop)
    return started


def stop() -> None:
    """Stop the Spark of this process, if one runs."""
    while _started:
        _started.pop().stop()


@contextmanager
def asking(running: Session) -> Iterator[None]:
    """Raise InputError, in one line, for whatever Spark raises in the block, and where it waits for ever."""
    with failures(running.log), _while_workers_live(running):
        yield


@contextmanager
def _while_workers_live(running: Session) -> Iterator[None]:
    """Give the block up, with InputError, where a cluster has lost its last worker and gives no other."""
    context = running.spark.sparkContext
    over, gave_up = threading.Event(), threading.Event()

    def watch() -> None:
        lost_s = 0.0
        while not over.wait(_LOOK_S):
            lost_s = 0.0 if _executors(context) else lost_s + _LOOK_S
            if lost_s >= NO_WORKER_S:
                gave_up.set()
                context.cancelAllJobs()
                return

    watching = threading.Thread(target=watch, daemon=True)
    if not context.master.startswith("local"):
        watching.start()
    try:
        yield
    except Exception as error:
        if gave_up.is_set():
            raise InputError("engine spark: its last worker went away in the middle, and no other came") from error
        raise
    finally:
        over.set()


def _import_pyspark() -> Any:  # noqa: ANN401 - a module
    try:
        with quiet():
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


def _start(pyspark: Any, started: Session) -> Any:  # noqa: ANN401 - of pyspark
    """Return a new SparkSession: what the command line says comes before spark-submit and spark-defaults.conf."""
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    active = pyspark.SparkContext._active_spark_context  # noqa: SLF001 - there can be but one in a process
    if active is not None:
        if started.target not in (None, active.master):
            raise InputError(f"engine spark: Spark runs here already on {visible(active.master)}: name no other")
        started.borrowed = True
        return SparkSession(active).newSession()  # with settings of its own
    master = started.target or _DEFAULT_MASTER
    settings = {
        "spark.sql.warehouse.dir": os.path.join(_folder(), "warehouse"),
        "spark.driver.defaultJavaOptions": f"-Djava.io.tmpdir={_folder()}",
    }
    if started.target:
        settings["spark.master"] = started.target
    context = pyspark.SparkContext
    if started.log is not None:
        _must_have_java()
        if master.startswith("local"):
            settings |= {**_LOOPBACK, "spark.local.dir": _folder()}
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        if context._gateway is None:  # noqa: SLF001 - the one way to say where Spark's own log goes
            conf = _with(pyspark.SparkConf(loadDefaults=False), settings)
            context._gateway = launch_gateway(conf, {"stdout": subprocess.DEVNULL, "stderr": started.log})  # noqa: SLF001
            context._jvm = context._gateway.jvm  # noqa: SLF001
    context._ensure_initialized()  # noqa: SLF001 - under spark-submit only Java knows what that was told
    known = _with(pyspark.SparkConf(_jvm=context._jvm), settings)  # noqa: SLF001
    for key, value in {**_DEFAULTS, "spark.master": master}.items():
        known.setIfMissing(key, value)
    handler = signal.getsignal(signal.SIGINT)
    spark = SparkSession(pyspark.SparkContext(conf=known))
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)  # pyspark's own asks Java in the middle of a call, and prints pages
    return spark


def _with(conf: Any, settings: Mapping[str, str]) -> Any:  # noqa: ANN401 - of pyspark
    for key, value in settings.items():
        conf.set(key, value)
    return conf


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
        raise InputError(f"engine spark: {where}: {JAVA}")
