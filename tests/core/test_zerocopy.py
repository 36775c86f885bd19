"""Files sent by the kernel arrive whole, whatever the client does."""

import asyncio
import hashlib
import os
import queue
import random
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from harbor.core.blobs import BlobResponse
from harbor.core.express import serving
from harbor.core.oci import Digest
from harbor.core.settings import MIB
from harbor.core.storage.filesystem import FileStore
from harbor.core.watch import Limits
from harbor.core.zerocopy import EXTENSION, FileShrank
from tests.core.running import Server, make_certificate, running

SIZE = 24 * MIB + 7
GET = b"GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n"


class App:
    """Sends ``/<offset>-<stop>`` of its file; ``/longer`` promises more than there is."""

    def __init__(self, file: Path) -> None:
        self.fd = os.open(file, os.O_RDONLY)
        self.ended: queue.Queue[str] = queue.Queue()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert EXTENSION in scope["extensions"]
        start, stop = (int(each) for each in scope["path"][1:].split("-"))
        length = [(b"content-length", b"%d" % (stop - start))]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        file = {"type": EXTENSION, "file": self.fd, "offset": start, "count": stop - start}
        try:
            await send(file)
            self.ended.put("well")
        except FileShrank:
            self.ended.put("short")
            raise


@dataclass
class Running(Server):
    app: App


@pytest.fixture(scope="module")
def content() -> bytes:
    return random.Random(7).randbytes(SIZE)


@pytest.fixture(params=["uvloop", "asyncio"])
def server(request: pytest.FixtureRequest, tmp_path: Path, content: bytes) -> Iterator[Running]:
    (tmp_path / "file").write_bytes(content)
    app = App(tmp_path / "file")
    with running(app, serving(Limits(stall_s=1.0)), request.param) as server:
        yield Running(**vars(server), app=app)
    os.close(app.fd)


def answers(connection: socket.socket, lengths: list[int]) -> list[bytes]:
    """The bodies of the answers that come, which must be of these lengths."""
    stream, bodies = connection.makefile("rb"), []
    for length in lengths:
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
        while stream.readline() != b"\r\n":
            pass
        bodies.append(stream.read(length))
    return bodies


def test_a_file_arrives_byte_for_byte(server: Running, content: bytes) -> None:
    with server.connect() as client:
        client.sendall(GET % (b"/0-%d" % SIZE, b""))
        assert answers(client, [SIZE]) == [content]
    assert server.app.ended.get(timeout=5) == "well"


def test_parts_follow_each_other_in_one_connection(server: Running, content: bytes) -> None:
    with server.connect() as client:
        for start, stop in ((5, 6), (0, 9 * MIB), (MIB, MIB), (SIZE - 3, SIZE), (3, SIZE)):
            client.sendall(GET % (b"/%d-%d" % (start, stop), b""))
            assert answers(client, [stop - start]) == [content[start:stop]]


def test_pipelined_requests_are_answered_in_their_order(server: Running, content: bytes) -> None:
    parts = [(0, 5 * MIB), (7, 8), (MIB, 6 * MIB)]
    with server.connect() as client:
        client.sendall(b"".join(GET % (b"/%d-%d" % part, b"") for part in parts))
        bodies = answers(client, [stop - start for start, stop in parts])
        assert bodies == [content[start:stop] for start, stop in parts]


def test_head_gets_no_bytes(server: Running, content: bytes) -> None:
    with server.connect() as client:
        client.sendall(b"HEAD /0-%d HTTP/1.1\r\nHost: x\r\n\r\n" % SIZE)
        client.sendall(GET % (b"/1-4", b"Connection: close\r\n"))
        received = b"".join(iter(lambda: client.recv(65536), b""))
        assert received.count(b"HTTP/1.1 200 OK") == 2
        assert received.endswith(b"\r\n\r\n" + content[1:4])


def test_a_slow_reader_gets_all_of_it(server: Running, content: bytes) -> None:
    with server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
        client.sendall(GET % (b"/0-%d" % SIZE, b"Connection: close\r\n"))
        received = bytearray()
        while piece := client.recv(256 * 1024):
            received += piece
            if len(received) < 2 * MIB:
                time.sleep(0.01)
        assert received.endswith(content)


def test_a_reader_that_stops_is_dropped(server: Running) -> None:
    with server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(GET % (b"/0-%d" % SIZE, b""))
        assert server.app.ended.get(timeout=10) == "well"  # as ``send`` to one who has gone


def test_a_client_that_leaves_in_the_middle_harms_nobody(server: Running, content: bytes) -> None:
    for _ in range(10):
        with server.connect() as client:
            client.sendall(GET % (b"/0-%d" % SIZE, b""))
            client.recv(1000)
        assert server.app.ended.get(timeout=5) == "well"
    before = len(os.listdir("/proc/self/fd"))
    with server.connect() as client:
        client.sendall(GET % (b"/0-%d" % SIZE, b""))
        assert answers(client, [SIZE]) == [content]
    assert abs(len(os.listdir("/proc/self/fd")) - before) <= 1


def test_a_file_that_is_shorter_than_promised_ends_the_connection(server: Running) -> None:
    with server.connect() as client:
        client.sendall(GET % (b"/%d-%d" % (SIZE - 10, SIZE + 10), b""))
        received = b"".join(iter(lambda: client.recv(65536), b""))
        assert len(received.partition(b"\r\n\r\n")[2]) == 10
    assert server.app.ended.get(timeout=5) == "short"


def test_many_at_once_get_their_own_bytes(server: Running, content: bytes) -> None:
    wrong: list[int] = []

    def fetch(seed: int) -> None:
        chance = random.Random(seed)
        with server.connect() as client:
            for _ in range(4):
                start = chance.randrange(SIZE)
                stop = chance.randrange(start, SIZE + 1)
                client.sendall(GET % (b"/%d-%d" % (start, stop), b""))
                if answers(client, [stop - start]) != [content[start:stop]]:
                    wrong.append(seed)

    threads = [threading.Thread(target=fetch, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong


async def keep(store: FileStore, content: bytes) -> Digest:
    async def once() -> AsyncIterator[bytes]:
        yield content

    upload, digest = "0" * 32, Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")
    await store.begin(upload)
    await store.append(upload, once())
    await store.seal(upload, digest)
    await store.publish(upload, digest)
    return digest


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize("tls", [False, True])
def test_blobs_are_the_same_with_and_without_tls(
    tmp_path: Path, content: bytes, loop: str, tls: bool
) -> None:
    options = {"ssl_certfile": make_certificate(tmp_path / "server.pem")} if tls else {}
    store = FileStore(tmp_path / "store", reserve=0)
    digest = asyncio.run(keep(store, content))
    offered: set[bool] = set()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        offered.add(EXTENSION in scope.get("extensions", ()))
        await BlobResponse(Request(scope), store, digest)(scope, receive, send)

    with running(app, serving(Limits()), loop, **options) as server:
        client = HTTPConnection("localhost")
        client.sock = server.connect()
        for start, stop in ((0, SIZE), (5, 6), (MIB, 9 * MIB), (SIZE - MIB, SIZE), (3, SIZE)):
            client.request("GET", "/", headers={"Range": f"bytes={start}-{stop - 1}"})
            answer = client.getresponse()
            assert answer.status == 206
            assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
            assert answer.read() == content[start:stop]
        client.request("GET", "/")
        assert client.getresponse().read() == content
        client.close()
    assert offered == {not tls}
    store.close()
