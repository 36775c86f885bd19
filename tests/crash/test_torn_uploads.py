"""Uploads torn in the middle: most of what was sent is kept, and every one of them goes on."""

import random
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.crash.client import OCTETS, Client, connect, content, expect, head, sha256, with_digest
from tests.crash.conftest import MakeServer
from tests.crash.server import Server, wait_until

pytestmark = pytest.mark.crash
UPLOADS = 40
SIZES = (200_000, 1_000_000, 3_000_000, 8_000_000)
SETTLE_S = 1.5  # time for the bytes to arrive, and for the server to notice that no more come


@dataclass
class Torn:
    """A PATCH of which a part was sent."""

    place: str
    data: bytes
    sent: int
    socket: socket.socket


def tear(client: Client, number: int, *, chunked: bool = False) -> Torn:
    rng = random.Random(number)
    data = content(number, SIZES[number % len(SIZES)])
    place = client.begin("library/torn")
    sent = int(len(data) * rng.uniform(0.2, 0.9))
    connection = connect(client.port, 30)
    if chunked:
        connection.sendall(head("PATCH", place, Transfer_Encoding="chunked", **OCTETS))
        connection.sendall(b"%x\r\n" % len(data))
    else:
        connection.sendall(head("PATCH", place, Content_Length=len(data), **OCTETS))
    connection.sendall(data[:sent])
    return Torn(place, data, sent, connection)


def close(torn: Torn) -> None:
    torn.socket.close()


def reset(torn: Torn) -> None:
    """With an RST, as a firewall or a dying machine does."""
    torn.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    torn.socket.close()


def half_close(torn: Torn) -> None:
    """Say that there is no more, and wait for an answer."""
    torn.socket.shutdown(socket.SHUT_WR)
    torn.socket.settimeout(10)
    answer = torn.socket.recv(4096)
    assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 5")), answer
    torn.socket.close()


def resumed(client: Client, torn: Torn) -> float:
    """Finish the upload, read it back; the part of what was sent that had been kept."""
    kept = client.resume(torn.place, torn.data)
    assert kept <= torn.sent
    answer = expect(client.blob("library/torn", sha256(torn.data)), 200)
    assert answer.body == torn.data
    return kept / torn.sent


def report(name: str, parts: list[float]) -> None:
    print(f"{name}: {len(parts)}/{UPLOADS} resumed, least part kept {min(parts):.2f}")
    assert len(parts) == UPLOADS
    assert min(parts) >= 0.5


@pytest.mark.parametrize("end", [close, reset, half_close])
def test_an_upload_goes_on_after_its_connection_broke(
    server: Server, end: Callable[[Torn], None]
) -> None:
    with Client(server.port) as client:
        torn = [tear(client, number, chunked=number % 3 == 0) for number in range(UPLOADS)]
        time.sleep(SETTLE_S)
        for each in torn:
            end(each)
        report(end.__name__, [resumed(client, each) for each in torn])
        assert server.uploads() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_upload_goes_on_after_the_server_was_killed(
    make_server: MakeServer, workers: int
) -> None:
    server = make_server(workers=workers)
    server.start()
    with Client(server.port) as client:
        torn = [tear(client, number, chunked=number % 3 == 0) for number in range(UPLOADS)]
        time.sleep(SETTLE_S)
        server.kill()
        for each in torn:
            each.socket.close()
        client.close()
        server.start()
        report(f"kill -9, {workers} workers", [resumed(client, each) for each in torn])
        assert server.uploads() == []


def test_a_client_that_is_back_before_its_old_connection_is_noticed(server: Server) -> None:
    """The old connection hangs, open and silent, as after a change of network."""
    with Client(server.port) as client:
        torn = tear(client, 3)
        wait_until(lambda: expect(client.get(torn.place), 204).offset > 1, 10, "some bytes")
        status = expect(client.get(torn.place), 204)
        rest = torn.data[status.offset :]
        told = OCTETS | {"Content-Range": f"{status.offset}-{len(torn.data) - 1}"}
        # Whoever holds the upload keeps it for now; refused, not broken.
        assert client.call("PATCH", torn.place, rest, told).status in (202, 409, 416)
        close(torn)
        time.sleep(0.5)
        assert resumed(client, torn) > 0


def test_a_whole_request_is_answered_although_its_client_can_say_no_more(server: Server) -> None:
    data = content(1, 500_000)
    with Client(server.port) as client:
        place = client.begin("library/torn")
        with connect(server.port) as connection:
            path = with_digest(place, sha256(data))
            connection.sendall(head("PUT", path, Content_Length=len(data), **OCTETS) + data)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(4096).startswith(b"HTTP/1.1 201")
        assert expect(client.blob("library/torn", sha256(data)), 200).body == data
