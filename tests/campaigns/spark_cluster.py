"""A real standalone cluster of Spark on this machine: a master and two workers, which can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pyspark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

_START_S = 90.0
_WORKERS = 2


class Cluster:
    """A master and two workers on loopback, of a core each; a context manager. `url` is its master's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._folder.mkdir()
        port = _free_port()
        self.url = f"spark://127.0.0.1:{port}"
        self._start("master", "--port", str(port))
        _wait_for("127.0.0.1", port)
        for number in range(_WORKERS):
            options = ("--cores", "1", "--memory", "2g", "--work-dir", str(self._folder / f"work-{number}"))
            self._start("worker", *options, self.url)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, role: str, *options: str) -> None:
        home = os.path.dirname(pyspark.__file__)
        command = [
            os.path.join(home, "bin", "spark-class"),
            f"org.apache.spark.deploy.{role}.{role.title()}",
            *("--host", "127.0.0.1", "--webui-port", "0"),
            *options,
        ]
        environ = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_NO_DAEMONIZE": "1"}
        with (self._folder / f"{role}-{len(self._processes)}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(command, stdout=log, stderr=log, env=environ, start_new_session=True)
            )

    def kill_worker(self) -> None:
        """Kill a worker and all that it started, at once."""
        worker = self._processes.pop()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(host: str, port: int) -> None:
    """Wait until somebody listens. Raises TimeoutError."""
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        with suppress(OSError):
            socket.create_connection((host, port), timeout=1).close()
            return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens at {host}:{port}")


@contextmanager
def killed_after_a_task(cluster: Cluster, context: Any) -> Iterator[list[int]]:
    """Kill a worker once some tasks of the block are done and others run; yield what holds how many, if it was done."""
    killed: list[int] = []
    over = threading.Event()

    def watch() -> None:
        tracker = context.statusTracker()
        while not over.wait(0.02):
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            done = max((stage.numCompletedTasks for stage in stages if stage and stage.numTasks > _WORKERS), default=0)
            if done:
                cluster.kill_worker()
                killed.append(done)
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()
