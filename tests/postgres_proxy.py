"""A proxy before a PostgreSQL server that cuts connections around COMMIT, as a process of its own.

It understands just enough of the protocol: it listens at a unix socket, passes everything on, and at the COMMIT that
it was told to wait for does one of `CUTS`. Without encryption, and for simple queries.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What may become of a COMMIT, and whether the server gets it.
CUTS = {
    "before": False,  # both connections end, and it is never sent
    "held": False,  # never sent, but the server waits for it for `delay` seconds
    "late": True,  # it is sent `delay` seconds after the client was cut
    "sent": True,  # the client is cut as soon as it is sent
    "answered": True,  # the answer comes, and is dropped
    "torn": True,  # the first bytes of the answer are passed on
    "unready": True,  # the client is told that it is committed, and not that the server is ready again
    "fatal": True,  # committed, and then an error, as where a server is told just then to end the session
    "refused": True,  # the same, but the error comes in place of the word
    "after": True,  # the whole answer is passed on, and then the connection ends
}
SOCKET, _CONTROL = ".s.PGSQL.5432", "control"
_COMMIT = re.compile(rb"\bCOMMIT\s*;?\s*\Z")
_FATAL = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
_DENIED = b"SERROR\0VERROR\0C0A000\0Mnot supported through this proxy\0\0"


class Proxy:
    """The process of a proxy before the server whose socket is in a folder; a context that ends it.

    `folder` is where its own socket is.
    """

    def __init__(self, server: str) -> None:
        self._server = server

    def __enter__(self) -> Proxy:  # noqa: PYI034 - nobody inherits from it
        """Start it, and wait until it listens."""
        self._made = tempfile.TemporaryDirectory(prefix="ops-checks-proxy-")
        self.folder = self._made.name
        command = [sys.executable, __file__, self._server, self.folder]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.communicate()
        self._made.cleanup()

    def tell(self, **told: object) -> Any:
        """Tell it something and return what it answers.

        `deny`, `mute`: the words whose statements are refused or never answered; `away`: for how many seconds nobody
        may connect.
        """
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(f"{self.folder}/{_CONTROL}")
            control.sendall(json.dumps(told).encode() + b"\n")
            with control.makefile() as answer:
                return json.loads(answer.readline())

    @contextlib.contextmanager
    def cutting(
        self,
        how: str,
        *,
        skip: int = 0,
        delay: float = 0.0,
        away: float = 0.0,
        then: Callable[[], object] | None = None,
    ) -> Iterator[Cutting]:
        """Do one of CUTS at the next COMMIT of the block but `skip`; then let nobody connect for `away` seconds.

        `then` is called in a thread as soon as the client is cut. On leaving the server has done with it.
        """
        cutting = Cutting()
        number = self.tell(cut=how, skip=skip, delay=delay, away=away)

        def act() -> None:
            if self.tell(wait="cut", number=number) and then is not None:
                then()

        actor = threading.Thread(target=act)
        actor.start()
        try:
            yield cutting
        finally:
            cutting.happened = self.tell(disarm=number)
            actor.join()
            self.tell(away=0)


class Cutting:
    """Whether a cut `happened`, known afterwards."""

    happened = False


class _Cut:
    """What is to be done at a COMMIT, and how far it is."""

    def __init__(self, cut: str, skip: int, delay: float, away: float) -> None:
        self.how, self.skip, self.delay, self.away = cut, skip, delay, away
        self.is_cut, self.ended = asyncio.Event(), asyncio.Event()
        self.happened = False


class _Proxy:
    """The proxy itself."""

    def __init__(self, server: str) -> None:
        self._server = f"{server}/{SOCKET}"
        self._cuts: list[_Cut] = []
        self._armed: _Cut | None = None
        self._deny = self._mute = b""
        self._away_until = 0.0

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question of who started us."""
        answer = await self._answer(json.loads(await reader.readline()))
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async def _answer(self, told: dict[str, Any]) -> object:
        if "cut" in told:
            self._armed = _Cut(**told)
            self._cuts.append(self._armed)
            return len(self._cuts) - 1
        if "wait" in told:
            cut = self._cuts[told["number"]]
            await cut.is_cut.wait()
            return cut.happened
        if "disarm" in told:
            cut = self._cuts[told["disarm"]]
            self._armed = None
            cut.is_cut.set()
            if cut.happened:
                await cut.ended.wait()
            return cut.happened
        if "deny" in told:
            self._deny = told["deny"].encode()
        if "mute" in told:
            self._mute = told["mute"].encode()
        if "away" in told:
            self._go_away(told["away"])
        return None

    def _go_away(self, seconds: float) -> None:
        self._away_until = asyncio.get_running_loop().time() + seconds

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what one client and the server say to each other."""
        if asyncio.get_running_loop().time() < self._away_until:
            writer.close()
            return
        try:
            from_server, to_server = await asyncio.open_unix_connection(self._server)
        except OSError:
            writer.close()
            return
        back = asyncio.create_task(_pass_on(from_server, writer))
        try:
            await self._ask(_Link(reader, writer, from_server, to_server, back))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            back.cancel()
            writer.close()
            to_server.close()

    async def _ask(self, link: _Link) -> None:
        """Pass on what a client asks, until its connection is cut or ends."""
        length = await link.reader.readexactly(4)  # the first message has no kind
        link.to_server.write(length + await link.reader.readexactly(int.from_bytes(length) - 4))
        while True:
            head = await link.reader.readexactly(5)
            body = await link.reader.readexactly(int.from_bytes(head[1:]) - 4)
            query = body.rstrip(b"\0") if head[:1] == b"Q" else b""
            if self._deny and query.startswith(self._deny):
                link.writer.write(_message(b"E", _DENIED) + _message(b"Z", b"I"))
                continue
            if self._mute and query.startswith(self._mute):
                continue
            cut = self._due(query)
            if cut is None:
                link.to_server.write(head + body)
                await link.to_server.drain()
            else:
                try:
                    await self._cut(cut, link, head + body)
                finally:
                    cut.is_cut.set()
                    link.to_server.close()
                    cut.ended.set()
                return

    def _due(self, query: bytes) -> _Cut | None:
        """Return the cut that is to be made at a query, if any."""
        cut = self._armed
        if cut is None or not _COMMIT.search(query):
            return None
        cut.skip -= 1
        if cut.skip >= 0:
            return None
        self._armed = None
        cut.happened = True
        return cut

    async def _cut(self, cut: _Cut, link: _Link, commit: bytes) -> None:
        link.back.cancel()  # two cannot read of one stream
        await asyncio.gather(link.back, return_exceptions=True)
        early = cut.how in {"before", "held", "late"}
        if early:
            await self._cut_client(cut, link)
            await asyncio.sleep(cut.delay)
        if not CUTS[cut.how]:
            return
        link.to_server.write(commit)
        await link.to_server.drain()
        if cut.how == "sent":
            await self._cut_client(cut, link)
        answer = await _until_ready(link.from_server)
        if cut.how not in {"late", "sent"}:
            link.writer.write(_passed_on(cut.how, answer))
            with contextlib.suppress(OSError):
                await link.writer.drain()
            if cut.how in {"fatal", "refused"}:
                await asyncio.sleep(0.2)  # who reads it reads no end yet
            await self._cut_client(cut, link)

    async def _cut_client(self, cut: _Cut, link: _Link) -> None:
        if cut.away:
            self._go_away(cut.away)
        link.writer.close()
        cut.is_cut.set()


class _Link:
    """Two connections that belong together, and what passes on the server's answers."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        back: asyncio.Task[None],
    ) -> None:
        self.reader, self.writer = reader, writer
        self.from_server, self.to_server, self.back = from_server, to_server, back


def _passed_on(how: str, answer: bytes) -> bytes:
    """Return what of a COMMIT's answer a client gets."""
    done = answer[: 1 + int.from_bytes(answer[1:5])]
    return {
        "answered": b"",
        "torn": answer[:7],
        "unready": done,
        "fatal": done + _message(b"E", _FATAL),
        "refused": _message(b"E", _FATAL),
        "after": answer,
    }[how]


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4) + body


async def _until_ready(reader: asyncio.StreamReader) -> bytes:
    """Return what a server says until it is ready again."""
    said = b""
    while True:
        head = await reader.readexactly(5)
        body = await reader.readexactly(int.from_bytes(head[1:]) - 4)
        if head[:1] in {b"C", b"Z", b"E"}:
            said += head + body
        if head[:1] == b"Z":
            return said


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _serve(server: str, folder: str) -> None:
    proxy = _Proxy(server)
    listening = [
        await asyncio.start_unix_server(proxy.client, f"{folder}/{SOCKET}"),
        await asyncio.start_unix_server(proxy.control, f"{folder}/{_CONTROL}"),
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)  # whoever started us has ended
    for each in listening:
        each.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], str(Path(sys.argv[2]))))
