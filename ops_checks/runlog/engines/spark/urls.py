"""Find logs by URL (`s3a://`, `hdfs://`, `file://`, …) with the file systems that Spark has, and look into them.

A few bytes of each log are read here, and all of one only where it may be a copy of another; the rest is the workers'.
"""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from ops_checks.errors import InputError, MissingError
from ops_checks.files.contents import HEAD_BYTES
from ops_checks.runlog.line_reader import BLOCK_BYTES, detect_by, unpacking
from ops_checks.runlog.patterns import MOST_LOGS, is_pattern, rotation_order
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

#: Heads that are read at once: an object store takes its time over each.
_AT_ONCE = 16
_STEP_BYTES = 1 << 20


class UrlLog(NamedTuple):
    """A log behind a URL, in Spark's spelling (`uri` as its `_metadata.file_path`): bytes, last change, first bytes."""

    url: str
    uri: str
    size: int
    modified_ms: int
    head: bytes

    @property
    def compression(self) -> str | None:
        """`gzip` or `zstd` for a log that is packed by its name or its first bytes."""
        return detect_by(self.url, self.head)


class UrlLogs:
    """The logs behind URLs that were found so far, by URL. `spark` is a SparkSession."""

    def __init__(self, spark: Any) -> None:  # noqa: ANN401 - of pyspark
        self._jvm = spark._jvm  # noqa: SLF001 - pyspark has no other way to Hadoop's file systems
        self._conf = spark._jsc.hadoopConfiguration()  # noqa: SLF001
        self.found: dict[str, UrlLog] = {}

    def expand(self, pattern: str) -> list[str]:
        """Return the URLs that a URL with or without a pattern names. Raises InputError."""
        if "**" in pattern:  # it would be taken for `*`, in silence
            raise InputError(f"{visible(pattern)}: Hadoop's patterns have no `**`: name each level by a `*`")
        path = self._jvm.org.apache.hadoop.fs.Path(pattern)
        system = path.getFileSystem(self._conf)
        states = [system.getFileStatus(path)] if system.exists(path) else [*(system.globStatus(path) or ())]
        if not states:
            what = "no run log matches" if is_pattern(pattern) else "no such file"
            raise MissingError(f"{visible(pattern)}: {what}; name a log, or a pattern that some log matches")
        folder = next((state.getPath().toString() for state in states if state.isDirectory()), None)
        if folder is not None:
            raise InputError(f"{visible(_shown(folder))}: is a directory; name the logs in it")
        if len(states) > MOST_LOGS:
            raise InputError(f"{visible(pattern)}: more than {MOST_LOGS:,} logs match: name fewer of them")
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            logs = list(threads.map(self._seen, states))
        self.found.update((log.url, log) for log in logs)
        return sorted((log.url for log in logs), key=rotation_order)

    def _seen(self, state: Any) -> UrlLog:  # noqa: ANN401 - of Hadoop
        path = state.getPath()
        size = int(state.getLen())
        with JavaFile(self._open(path.toString())) as file:
            head = file.read(min(size, HEAD_BYTES)) if size else b""
        return UrlLog(_shown(path.toString()), path.toUri().toString(), size, int(state.getModificationTime()), head)

    def _open(self, url: str) -> Any:  # noqa: ANN401 - of Java
        path = self._jvm.org.apache.hadoop.fs.Path(url)
        return path.getFileSystem(self._conf).open(path)

    def content(self, stack: ExitStack, url: str) -> Callable[[], bytes]:
        """Return what returns the bytes of a log, unpacked, one piece after the other. Raises InputError."""
        log = self.found[url]
        file = stack.enter_context(JavaFile(self._open(url)))
        if not log.compression:
            return lambda: file.read(_STEP_BYTES)
        buffered = io.BufferedReader(file, BLOCK_BYTES)
        return stack.enter_context(unpacking(url, buffered, log.size, log.compression, _STEP_BYTES))


def _shown(url: str) -> str:
    """Return a URL as people write it: Hadoop writes `file:/folder`."""
    return re.sub(r"^([a-z]+):/(?!/)", r"\1:///", url)


class JavaFile(io.RawIOBase):
    """A stream of Java's as a file of Python's."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - of Java
        super().__init__()
        self._stream = stream
        self._at = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as the standard library has it
        """Read up to a buffer's size of bytes into it, and return how many; 0 at the end."""
        data: bytes = self._stream.readNBytes(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._at

    def close(self) -> None:
        """Close the stream."""
        if not self.closed:
            self._stream.close()
        super().close()
