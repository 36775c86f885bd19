"""Files leave in full packets, and to clients on the same machine without pacing."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from harbor.core import packets, zerocopy
from harbor.core.express import serving
from harbor.core.packets import CONGESTION, CORK, NAME_BYTES, PLAIN
from harbor.core.settings import MIB
from harbor.core.watch import Limits
from harbor.core.zerocopy import EXTENSION
from tests.core.running import Server, running, wait_until
from tests.core.test_zerocopy import GET, App

SIZE = 32 * MIB


@pytest.fixture(params=["uvloop", "asyncio"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "file").write_bytes(bytes(SIZE))
    app = App(tmp_path / "file")
    with running(app, serving(Limits()), request.param) as server:
        yield server
    os.close(app.fd)


def asked(client: socket.socket, nbytes: int) -> BinaryIO:
    """A stream with so many bytes of the file."""
    client.sendall(GET % (b"/0-%d" % nbytes, b""))
    stream = client.makefile("rb")
    while stream.readline() != b"\r\n":
        pass
    return stream


def pull(client: socket.socket) -> None:
    assert len(asked(client, SIZE).read(SIZE)) == SIZE


def option(client: socket.socket, name: int) -> int:
    """An option of the server's end of this connection."""
    return int.from_bytes(at_the_other_end(client, name, 4), sys.byteorder)


def way_of(client: socket.socket) -> bytes:
    """How the server avoids congestion in this connection."""
    return at_the_other_end(client, CONGESTION, NAME_BYTES).rstrip(b"\0")


def at_the_other_end(client: socket.socket, name: int, size: int) -> bytes:
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            with socket.socket(fileno=os.dup(fd)) as found:
                if found.getpeername() == client.getsockname():
                    return found.getsockopt(socket.IPPROTO_TCP, name, size)
        except OSError:
            continue  # no socket, or none that is connected
    raise AssertionError("no such connection")


def way() -> bytes:
    """How this machine avoids congestion."""
    return Path("/proc/sys/net/ipv4/tcp_congestion_control").read_bytes().strip()


def test_a_file_leaves_in_full_packets(server: Server) -> None:
    with server.connect() as client:
        for nbytes in (SIZE, MIB + 1, 5, SIZE):
            stream = asked(client, nbytes)
            if nbytes == SIZE:  # more than the kernel takes while nobody reads
                wait_until(lambda: option(client, CORK) == 1)
            assert len(stream.read(nbytes)) == nbytes
            wait_until(lambda: option(client, CORK) == 0)  # else what follows would wait for more


def test_who_leaves_in_the_middle_harms_nobody(server: Server) -> None:
    for _ in range(10):
        with server.connect() as client:
            asked(client, SIZE)
    with server.connect() as client:
        pull(client)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_connection_that_was_closed_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    touched: list[object] = []
    monkeypatch.setattr(zerocopy, "unpaced", touched.append)  # its descriptor may be another's
    (tmp_path / "file").write_bytes(bytes(MIB))
    told = App(tmp_path / "file")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == EXTENSION:
                while (await receive())["type"] != "http.disconnect":
                    pass
            await send(message)

        await told(scope, receive, sending)

    with running(app, serving(Limits()), loop) as server:
        with server.connect() as client:
            asked(client, MIB)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert told.ended.get(timeout=10) == "well"
    os.close(told.fd)
    assert touched == []


def test_who_is_on_the_same_machine_is_not_paced(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets, "PACED", (way(),))
    with server.connect() as client:
        pull(client)
        assert way_of(client) == PLAIN


@pytest.mark.parametrize("is_near", [True, False])
def test_nothing_else_is_changed(
    server: Server, monkeypatch: pytest.MonkeyPatch, *, is_near: bool
) -> None:
    monkeypatch.setattr(packets, "PACED", () if is_near else (way(),))
    address = "127.0.0.1" if is_near else "127.0.0.2"
    with socket.create_connection(("127.0.0.1", server.port), 10, (address, 0)) as client:
        pull(client)
        assert way_of(client) == way()
