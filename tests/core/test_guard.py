"""Clients that are slow, greedy or broken, against a real server with short limits."""

import asyncio
import json
import queue
import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harbor.core import guard
from harbor.core.guard import GuardedProtocol, guarded
from harbor.core.watch import KIB, Limits
from tests.core.running import PATIENCE_S, Server, make_certificate, running, wait_until

SHORT = Limits(0.3, body_window_s=0.3, stall_s=0.3, linger_s=0.2, max_pipelined=5)
HEAD = b"GET %s HTTP/1.1\r\nHost: x\r\n"
GET = HEAD + b"\r\n"
PUT = b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"PUT /put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
CUT = (b"abc", "http.disconnect")


@dataclass
class App:
    told: "queue.Queue[tuple[bytes, str]]" = field(default_factory=queue.Queue)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    heard: bytes = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.headers = scope["headers"]
        await asyncio.sleep({"/late": 0.4, "/slow": 0.25}.get(path, 0))
        if path == "/stream":
            await self.stream(receive, send)
            return
        body = b"" if path == "/unread" else await self.read(receive, path)
        answer = b"%s %d" % (path.encode(), len(body))
        headers = [(b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def read(self, receive: Any, path: str) -> bytes:
        message, body = await receive(), bytearray()
        while message.get("more_body"):
            body += message["body"]
            self.heard = bytes(body)
            await asyncio.sleep(0.2 if path == "/sip" else 0)
            message = await receive()
        body += message.get("body", b"")
        self.told.put((bytes(body), message["type"]))
        return bytes(body)

    async def stream(self, receive: Any, send: Any) -> None:
        await receive()
        gone = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.done():
            await send({"type": "http.response.body", "body": b"x" * 64 * KIB, "more_body": True})
            await asyncio.sleep(0)
        self.told.put((b"abc", gone.result()["type"]))


@dataclass
class Running(Server):
    app: App

    def told(self) -> tuple[bytes, str]:
        return self.app.told.get(timeout=PATIENCE_S)

    def counts(self, connections: int, idle: int) -> bool:
        watch = guard._watches.get(self.server.server_state)
        peer = watch.peers.get("127.0.0.1") if watch else None
        return (connections, idle) == ((peer.connections, peer.idle) if peer else (0, 0))


@contextmanager
def serving(limits: Limits, loop: str = "uvloop", **options: Any) -> Iterator[Running]:
    app = App()
    with running(app, guarded(limits), loop, **options) as server:
        yield Running(**vars(server), app=app)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Running]]:
    with serving(SHORT, "uvloop") as one, serving(SHORT, "asyncio") as other:
        yield {"uvloop": one, "asyncio": other}


@pytest.fixture
def here(servers: dict[str, Running], request: pytest.FixtureRequest) -> Running:
    here = servers[getattr(request, "param", "uvloop")]
    here.app.told, here.app.heard = queue.Queue(), b""
    return here


on_both_loops = pytest.mark.parametrize("here", ["uvloop", "asyncio"], indirect=True)


def read(client: socket.socket, end: bytes = b"(never)") -> bytes:
    """What comes until it ends so, or until the server closes; an abort counts as that."""
    received = b""
    with suppress(ConnectionResetError, ssl.SSLEOFError):
        while not received.endswith(end) and (piece := client.recv(64 * KIB)):
            received += piece
    return received


def expect(client: socket.socket, end: bytes) -> None:
    assert read(client, end).endswith(end)


def expect_error(client: socket.socket, status: int) -> None:
    received = read(client)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), received
    assert b"content-type: application/json" in head
    assert b"connection: close" in head
    error = json.loads(body)["errors"][0]
    assert error["code"] == HTTPStatus(status).name
    assert error["message"]


def drip(client: socket.socket, piece: bytes, times: int) -> bool:
    """Whether the server takes it all, twenty times a second, without a word."""
    with suppress(ConnectionError):
        for _ in range(times):
            client.sendall(piece)
            if select.select([client], [], [], 0.05)[0]:
                return False
        return True
    return False


LATE_HEADERS = [
    (b"", b"", b""),
    (b"GET / HTTP/1.1\r\n", b"", b"A"),
    (GET % b"/" + b"GET /", b"/ 0", b"a"),
    (GET % b"/", b"/ 0", b"\r\n"),
]


@pytest.mark.parametrize(("begin", "end", "piece"), LATE_HEADERS)
def test_a_late_header_is_refused(here: Running, begin: bytes, end: bytes, piece: bytes) -> None:
    start = time.monotonic()
    with here.connect() as client:
        client.sendall(begin)
        expect(client, end)
        assert not drip(client, piece, 60)
        assert time.monotonic() - start > 0.15
        if piece:
            expect_error(client, 408)
        else:
            assert read(client) == b""


LONG = b"A: " + b"a" * 400 * KIB
LINES = b"a:b\r\n" * 250
BAD = {
    "unfinished": (431, HEAD % b"/" + LONG),
    "finished": (431, HEAD % b"/" + LONG[: 200 * KIB] + b"\r\n\r\n"),
    "path": (431, GET % (b"/" + LONG[3 : 70 * KIB])),
    "lines": (431, HEAD % b"/" + LINES),
    "finished lines": (431, HEAD % b"/" + LINES + b"\r\n"),
    "blank lines": (431, b"\r\n" * 40 * KIB),
    "garbage": (400, b"\x16\x03\x01 what?\r\n\r\n"),
    "trailer": (431, CHUNKED, b"0\r\n" + LONG),
    "trailer lines": (431, CHUNKED, b"0\r\n" + LINES),
    "chunk": (400, CHUNKED, b"zz\r\n"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_request_is_refused(here: Running, bad: tuple[int, bytes, *tuple[bytes]]) -> None:
    status, *pieces = bad
    with here.connect() as client:
        for piece in pieces:
            client.sendall(piece)
            if piece == CHUNKED:  # uvicorn forgets what nobody has taken when the rest is refused
                wait_until(lambda: here.app.heard == b"abc")
            time.sleep(0.05)
        expect_error(client, status)
    if pieces[0] == CHUNKED:
        assert here.told() == CUT
    assert here.app.told.empty()


SLOW_BODIES = [
    (PUT % (b"/put", 10_000) + b"a" * 2000, b"", b"a" * 2000),
    (CHUNKED + b"0\r\n", b"", b"abc"),
    (PUT % (b"/unread", 99), b"/unread 0", b""),
]


@pytest.mark.parametrize(("begin", "end", "kept"), SLOW_BODIES)
def test_a_slow_body_is_cut_and_what_came_is_kept(
    here: Running, begin: bytes, end: bytes, kept: bytes
) -> None:
    with here.connect() as client:
        client.sendall(begin)
        expect(client, end)
        assert not drip(client, b"b", 60)
    if kept:
        body, last = here.told()
        assert body.rstrip(b"b") + b"b" == kept.rstrip(b"b") + b"b"
        assert last == "http.disconnect"


def test_a_body_above_the_rate_is_not_cut(here: Running) -> None:
    with here.connect() as client:
        client.sendall(PUT % (b"/put", 13 * KIB))
        assert drip(client, b"a" * KIB, 12)
        client.sendall(b"a" * KIB)
        expect(client, b"/put 13312")


LARGE = PUT[:-2] + b"A: " + b"a" * 60 * KIB + b"\r\n\r\n" + b"b" * 99_999
EXPECT = PUT[:-2] % (b"/late", 3) + b"Expect: 100-continue\r\n\r\n"
UPGRADE = HEAD % b"/" + b"Connection: Upgrade\r\nUpgrade: %s\r\n\r\n"
HONEST = {
    "slow application": (PUT % (b"/late", 1) + b"aGET /", b"/late 1", b" HTTP/1.1\r\n\r\n"),
    "slow reading": (PUT % (b"/sip", 300 * KIB) + b"a" * 300 * KIB, b"/sip 307200", b""),
    "large header": (LARGE % (b"/", 99_999), b"/ 99999", b""),
    "trailer": (CHUNKED + b"0\r\nAuthorization: Basic x\r\n\r\n", b"/put 3", b""),
    "patience": (EXPECT, b"HTTP/1.1 100 Continue\r\n\r\n", b"abc"),
    "h2c": (UPGRADE % b"h2c", b"/ 0", b""),
    "websocket": (UPGRADE % b"websocket", b"/ 0", b""),
}


@pytest.mark.parametrize(("first", "end", "rest"), HONEST.values(), ids=HONEST)
def test_an_honest_client_is_answered(here: Running, first: bytes, end: bytes, rest: bytes) -> None:
    with here.connect() as client:
        client.sendall(first)
        expect(client, end)
        assert b"authorization" not in dict(here.app.headers), "a trailer became a header"
        client.sendall(rest + b"GET /old HTTP/1.0\r\n\r\n")
        assert read(client).endswith(b"/old 0")


@on_both_loops
@pytest.mark.parametrize("reads", [0, 15])
def test_an_answer_is_aborted_if_it_is_not_read(here: Running, reads: int) -> None:
    with here.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * KIB)
        client.sendall(GET % b"/stream" + GET % b"/next")
        for _ in range(reads):
            assert client.recv(32 * KIB)
            time.sleep(0.04)
        assert here.app.told.empty()
        if reads:
            client.close()
        assert here.told() == CUT


def test_the_newest_of_too_many_connections_is_refused() -> None:
    with serving(replace(SHORT, header_s=5, max_connections=2)) as here:
        for _ in range(2):
            with here.connect(), here.connect(), here.connect() as third:
                expect_error(third, 503)
                assert here.counts(connections=2, idle=2)
            wait_until(lambda: here.counts(connections=0, idle=0))


def test_idle_connections_from_one_address_are_limited() -> None:
    with serving(replace(SHORT, header_s=5, max_idle_per_address=1)) as here:
        with here.connect() as first:
            wait_until(lambda: here.counts(connections=1, idle=1))
            peer = guard._watches[here.server.server_state].peers["127.0.0.1"]
            wait_until(lambda: not peer.fresh and not peer.young)
            with here.connect() as second:
                expect_error(second, 503)
            first.sendall(PUT % (b"/put", 1))
            wait_until(lambda: here.counts(connections=1, idle=0))
            with here.connect():
                wait_until(lambda: here.counts(connections=2, idle=1))
                first.sendall(b"x")
                expect(first, b"/put 1")
                assert here.counts(connections=2, idle=2)
        wait_until(lambda: here.counts(connections=0, idle=0))
        wait_until(lambda: guard._watches[here.server.server_state]._due == 0)


def test_a_crowd_that_connects_at_once_is_not_idle_yet() -> None:
    """Else whoever accepts many before it reads of any would refuse them."""
    with serving(Limits(max_idle_per_address=2)) as here:
        clients = [here.connect() for _ in range(4)]
        with here.connect() as fifth:
            expect_error(fifth, 503)
        for client in clients:
            client.sendall(GET % b"/one")
            expect(client, b"/one 0")
            client.close()


def test_pipelined_requests_are_answered_in_order_up_to_a_number(here: Running) -> None:
    with here.connect() as client:
        client.sendall(GET % b"/slow" + PUT % (b"/put", 3) + b"abc" + GET % b"/more" * 50)
        received = read(client)
    assert received.index(b"/slow 0") < received.index(b"/put 3") < received.index(b"/more 0")
    assert received.count(b"200 OK") == received.count(b"HTTP/1.1") == 6


SLOW = GET % b"/slow"
ENDINGS = {
    "a request": (1, b"", SLOW),
    "more than a header": (1, b"", SLOW + b"GET /next HTTP"),
    "more than a body": (1, b"a", SLOW + PUT % (b"/next", 3) + b"a"),
    "nothing": (0, b"", b""),
    "a half header": (0, b"", b"GET / HT"),
    "a half body": (0, b"abc", PUT % (b"/put", 10) + b"abc"),
    "garbage": (2, b"", SLOW + SLOW + b"what?\r\n\r\n"),
    "garbage in a body": (2, b"", SLOW + SLOW + CHUNKED + b"zz\r\n"),
}


@on_both_loops
@pytest.mark.parametrize("name", ENDINGS)
def test_only_whole_requests_are_answered_at_the_end(here: Running, name: str) -> None:
    answers, heard, begin = ENDINGS[name]
    with here.connect() as client:
        client.sendall(begin)
        if "garbage" not in name:
            time.sleep(0.05)
            client.shutdown(socket.SHUT_WR)
        received = read(client)
    assert received.count(b"HTTP/1.1") == received.count(b"/slow 0") == answers
    assert heard or received.count(b"connection: close") == bool(answers)
    assert [here.told() for _ in range(answers)] == [(b"", "http.request")] * answers
    if heard:
        assert here.told() == (heard, "http.disconnect")
    assert here.app.told.empty()


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_the_limits_hold_under_tls(tmp_path: Path, loop: str) -> None:
    certificate = make_certificate(tmp_path / "server.pem")
    with serving(SHORT, loop, ssl_certfile=certificate) as here:

        def send(request: bytes) -> socket.socket:
            client = here.connect()
            client.sendall(request)
            return client

        with send(PUT % (b"/put", 100_000) + b"a" * 100_000) as client:
            expect(client, b"/put 100000")
        here.told()
        late, idle = send(b"GET /"), send(b"")
        with send(PUT % (b"/put", 10) + b"abc") as client, late, idle:
            assert here.told() == CUT
            assert read(client) == read(idle) == b""
            expect_error(late, 408)
        with send(HEAD % b"/" + b"A: " + b"a" * 100 * KIB) as client:
            expect_error(client, 431)
        with send(GET % b"/stream"):
            assert here.told() == CUT
        wait_until(lambda: here.counts(connections=0, idle=0))


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_tls_clients_that_say_no_goodbye_hold_nothing_up(
    tmp_path: Path, loop: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the stop, nor the descriptors of connections that were refused."""
    certificate = make_certificate(tmp_path / "server.pem")
    with ExitStack() as stay, serving(Limits(max_connections=1), loop, ssl_certfile=certificate,
                                      timeout_graceful_shutdown=15) as here:  # fmt: skip
        clients = [stay.enter_context(here.connect()) for _ in range(5)]
        for client in clients[1:]:
            assert client.recv(1000).startswith(b"HTTP/1.1 503")
        wait_until(lambda: len(here.server.server_state.connections) == 1)
        here.server.should_exit = True
        wait_until(lambda: not here.server.server_state.connections)
    assert "graceful shutdown exceeded" not in caplog.text


def test_another_uvicorn_is_noticed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "USED", ((GuardedProtocol, "data_received on_telepathy"),))
    with pytest.raises(RuntimeError, match=r"GuardedProtocol lacks \['on_telepathy'\] in uvicorn"):
        guard.check_uvicorn()
