"""A server that tells what it got of each body, and requests with bodies to send to it."""

import asyncio
import hashlib
import queue
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import Mock

from starlette.requests import ClientDisconnect

from harbor.core import bodies
from harbor.core.cycle import FILL
from harbor.core.flow import Shared
from harbor.core.settings import MIB
from harbor.core.watch import Limits
from harbor.core.zerocopy import ServingProtocol
from tests.core.running import Server, running, wait_until

DATA = random.Random(3).randbytes(5 * MIB)


@dataclass
class App:
    """Answers with the number and digest of the bytes; the path says how it goes about it."""

    may_go_on: threading.Event = field(default_factory=threading.Event)
    begun: "queue.Queue[str]" = field(default_factory=queue.Queue)
    told: "queue.Queue[tuple[int, str]]" = field(default_factory=queue.Queue)
    largest: int = 0
    memory: int = 0  # bytes that are lent to be filled; 0: it receives
    lent: int = 0  # times

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.begun.put(path)
        if path == "/held":
            await asyncio.to_thread(self.may_go_on.wait)
        hasher, nbytes, kind = hashlib.sha256(), 0, "http.request"
        more = path != "/unread"
        if self.memory and FILL in scope["extensions"]:
            receive = partial(self.filled, scope["extensions"][FILL])
        while more:
            message = await receive()
            kind, more = message["type"], message.get("more_body", False) and path != "/some"
            piece = message.get("body", b"")
            hasher.update(piece)
            nbytes += len(piece)
            self.largest = max(self.largest, len(piece))
            await asyncio.sleep(0.001 if path == "/slow" else 0)
        self.told.put((nbytes, kind))
        text = f"{nbytes} {hasher.hexdigest()}\n".encode()
        length = [(b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": text})

    async def filled(self, body: Any) -> dict[str, Any]:
        memory = bytearray(self.memory)

        def lend() -> memoryview:
            self.lent += 1
            return memoryview(memory)

        try:
            nbytes = await body.fill(lend)
        except ClientDisconnect:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": bytes(memory[:nbytes]), "more_body": bool(nbytes)}


@dataclass
class Running(Server):
    app: App

    @property
    def shared(self) -> Shared:
        # Nobody has one before the first client has connected.
        return bodies._shared.get(self.server.server_state) or Shared(Mock())

    def expect_nothing_held(self) -> None:
        wait_until(lambda: not self.server.server_state.connections)
        assert (self.shared.held, self.shared.waiting) == (0, 0)


@contextmanager
def serving(loop: str, memory: int = 0, **options: Any) -> Iterator[Running]:
    app = App(memory=memory)
    kind = type(
        "Protocol", (ServingProtocol,), {"__slots__": (), "limits": Limits(stall_s=1, linger_s=0.1)}
    )
    with running(app, kind, loop, **options) as server:
        try:
            yield Running(**vars(server), app=app)
        finally:
            app.may_go_on.set()


def head(path: bytes, *lines: bytes, version: bytes = b"1.1") -> bytes:
    return b"\r\n".join([b"PATCH %s HTTP/%s" % (path, version), b"Host: x", *lines, b"", b""])


def sized(path: bytes, data: bytes) -> bytes:
    return head(path, b"Content-Length: %d" % len(data)) + data


def chunked(path: bytes, data: bytes, chunk: int, end: bytes = b"0\r\n\r\n") -> bytes:
    pieces = [data[start : start + chunk] for start in range(0, len(data), chunk)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return head(path, b"Transfer-Encoding: chunked") + framed + end


def answer(stream: Any) -> bytes:
    """What the application told about a body."""
    line = stream.readline()
    assert line == b"HTTP/1.1 200 OK\r\n", line
    while stream.readline() != b"\r\n":
        pass
    return bytes(stream.readline())


def about(data: bytes) -> bytes:
    return b"%d %s\n" % (len(data), hashlib.sha256(data).hexdigest().encode())
