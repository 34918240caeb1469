"""Tell in one line why Spark cannot be had or has failed: its own words are pages long, and name no remedy."""

from __future__ import annotations

import logging
import os
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

#: What to say where there is no Java, or one that is too old.
JAVA = "Spark needs Java 17 or newer: install it (Debian: apt-get install default-jre-headless)"

_LOG_BYTES = 1 << 16
_CAUSE = re.compile(r"^(?:: |Caused by: )?[a-z]+(?:\.\w+)+(?:Exception|Error)", re.MULTILINE)
_CHATTER = re.compile(r"WARNING|Using |Setting |To adjust |at |\d\d/\d\d/\d\d .* WARN ")


@contextmanager
def failures(log: IO[bytes] | None) -> Iterator[None]:
    """Raise InputError, in one line, for whatever Spark raises in the block; its warnings are nobody's here."""
    begins = 0 if log is None else os.fstat(log.fileno()).st_size
    try:
        with quiet():
            yield
    except Exception as error:
        if not (isinstance(error, OSError) or type(error).__module__.startswith(("pyspark.", "py4j."))):
            raise
        raise InputError(f"engine spark: {_explained(error, _tail(log, begins))}") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Let pyspark say nothing in the block: it warns of its own dependencies, and logs what is raised anyway."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _tail(log: IO[bytes] | None, begins: int) -> str:
    """Return the end of what was logged from an offset on: what came before is about something else."""
    if log is None:
        return ""
    size = os.fstat(log.fileno()).st_size
    return os.pread(log.fileno(), _LOG_BYTES, max(begins, size - _LOG_BYTES)).decode("utf-8", "replace")


#: What a text of Spark's means to who reads it, the surer ones first.
_KNOWN = (
    (r"UnsupportedClassVersionError|class file version|Unrecognized option: --add", JAVA),
    (r"JAVA_HOME is not set|java: (command )?not found", JAVA),
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
    (
        r"AccessControlException|AccessDeniedException|Permission denied|Forbidden",
        "Spark may not read a log: give it the right, or its credentials in its own settings",
    ),
    (r"Relative path in absolute URI", "Hadoop takes no name with `:` in it: name the log by a path"),
    (r"FileNotFoundException[^\n]*", "a log is gone, or is not there for a worker: name one that stays"),
    (r"OutOfMemoryError|Java heap space", "out of memory: give it more (spark.executor.memory, spark.driver.memory)"),
    (
        r"SparkContext was shut down|has been shut down|ExecutorLostFailure|Answer from Java side is empty"
        r"|Error while sending or receiving|Connection reset",
        "Spark, or its last worker, went away in the middle: run it again",
    ),
)


def _explained(error: BaseException, log: str) -> str:
    text = str(error)
    for told in (text, log):  # what was raised is the surer word
        for pattern, meaning in _KNOWN:
            found = re.search(pattern, told)
            if found:
                return f"{meaning} ({visible(found[0])[:80]})"
        if told is text and _CAUSE.search(text):
            break
    if "JAVA_GATEWAY_EXITED" in text:
        return f"Java ended at once ({_first_word(log)}): {JAVA}"
    return f"{type(error).__name__} ({_first_line(text)}): under spark-submit Spark's own log says more"


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    caused = [line for line in lines if _CAUSE.match(line)]
    return visible((caused or lines or [""])[0].removeprefix(": ").removeprefix("Caused by: "))[:200]


def _first_word(log: str) -> str:
    """Return the first line of a log that is no chatter of a start."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if not _CHATTER.match(line)]
    return visible((telling or lines or ["it said nothing"])[0])[:200]
