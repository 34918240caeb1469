"""A file server that speaks as much WebHDFS as reading takes, so that Spark reads logs over a network, not from a disk.

Hadoop's own client is at the other end: it lists, looks at states and opens files by ranges, as it does in a cluster.
"""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

if TYPE_CHECKING:
    from typing import Self

_API = "/webhdfs/v1"


class WebHdfs:
    """A server of the files below a folder, by their absolute paths, on loopback; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"folder": folder}))
        self.url = f"webhdfs://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    folder: Path

    def do_GET(self) -> None:
        """Answer one of the questions that a reader has."""
        split = urlsplit(self.path.encode("latin-1").decode())
        query = {name.lower(): values[0] for name, values in parse_qs(split.query).items()}
        path = Path(unquote(split.path.removeprefix(_API)))
        if self.folder not in (path, *path.parents) or not path.exists():
            self._answer(404, {"RemoteException": {
                "exception": "FileNotFoundException", "javaClassName": "java.io.FileNotFoundException",
                "message": f"File does not exist: {path}",
            }})  # fmt: skip
            return
        operation = query["op"].upper()
        if operation == "GETFILESTATUS":
            self._answer(200, {"FileStatus": _state(path, "")})
        elif operation == "LISTSTATUS":
            below = sorted(path.iterdir()) if path.is_dir() else [path]
            states = [_state(each, each.name if path.is_dir() else "") for each in below]
            self._answer(200, {"FileStatuses": {"FileStatus": states}})
        elif operation == "OPEN" and "datanode" not in query:  # as a name node sends its reader to a data node
            self.send_response(307)
            there = f"http://{self.headers['Host']}{_API}{quote(str(path))}?{split.query}&datanode=true"
            self.send_header("Location", there)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif operation == "OPEN":
            self._send(path, int(query.get("offset", 0)), query.get("length"))
        else:
            self._answer(200, {"BlockLocations": {"BlockLocation": []}})

    def _send(self, path: Path, offset: int, length: str | None) -> None:
        data = path.read_bytes()[offset:]
        data = data if length is None else data[: int(length)]
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _answer(self, code: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)  # no Content-Type: the client in pyspark lacks the classes that look at one
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _state(path: Path, suffix: str) -> dict[str, Any]:
    state = os.stat(path)
    milliseconds = int(state.st_mtime * 1000)
    return {
        "accessTime": milliseconds, "blockSize": 1 << 27, "childrenNum": 0, "fileId": state.st_ino, "group": "g",
        "length": 0 if path.is_dir() else state.st_size, "modificationTime": milliseconds, "owner": "o",
        "pathSuffix": suffix, "permission": "644", "replication": 1, "storagePolicy": 0,
        "type": "DIRECTORY" if path.is_dir() else "FILE",
    }  # fmt: skip
