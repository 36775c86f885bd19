"""Answers that the server gives before there is an application: they look like all others."""

import logging
import queue
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harbor.core import express
from harbor.core.bodies import Reader
from harbor.core.express import Asked, ExpressProtocol, Front, Said
from harbor.core.starts import AT_ONCE, Starts
from harbor.core.watch import Limits
from harbor.core.zerocopy import ServingProtocol
from tests.core.running import Server, make_certificate, running, wait_until

HOT = b"GET /hot HTTP/1.1\r\nHost: x\r\n\r\n"
COLD = b"GET /cold HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = HOT.replace(b"/hot", b"/big")
BIG = random.Random(5).randbytes(500_000)  # thirty records of TLS
LINES: queue.Queue[str] = queue.Queue()
ANSWER = re.compile(rb"HTTP/1.1 200 OK\r\n((?:[^\r]+\r\n)+)\r\n")


def answer(asked: Asked) -> Said | None:
    """What is at hand: ``/hot`` and ``/big``, and ``/begin`` for who posts."""
    method, url = asked.method, asked.url
    if method == b"POST":
        return (200, b"content-length: 0\r\nx-road: express\r\n", b"") if url == b"/begin" else None
    body = {b"/hot": b"at once", b"/big": BIG}.get(url)
    if body is None:
        return None
    head = b"content-length: %d\r\nx-road: express\r\n" % len(body)
    return 200, head, b"" if method == b"HEAD" else body


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ordinary road, which has the same bodies, and takes its time with ``/cold``."""
    while (await receive()).get("more_body"):
        pass
    body = {"/hot": b"at once", "/big": BIG}.get(scope["path"], b"in a while")
    length = (b"content-length", b"%d" % len(body))
    headers = [length, (b"x-road", b"ordinary")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


@dataclass
class Running(Server):
    @contextmanager
    def client(self) -> Iterator["Client"]:
        with self.connect() as connection, closing(Client(connection)) as client:
            yield client


@contextmanager
def serving(loop: str, limits: Limits, **options: Any) -> Iterator[Running]:
    http = express.serving(limits, Front(answer, LINES.put))
    with running(app, http, loop, **options) as server:
        yield Running(**vars(server))


class Client:
    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.stream = connection.makefile("rb")

    def close(self) -> None:
        self.stream.close()

    def read(self, *, head: bool = False) -> tuple[str, bytes]:
        """The road that the next answer took, and its body."""
        headers = self.headers()
        return headers["x-road"], b"" if head else self.stream.read(int(headers["content-length"]))

    def headers(self) -> dict[str, str]:
        assert self.stream.readline() == b"HTTP/1.1 200 OK\r\n"
        found = {}
        while (line := self.stream.readline()) != b"\r\n":
            name, _, value = line.decode().partition(": ")
            found[name] = value.strip()
        return found

    def ask(self, raw: bytes) -> tuple[str, bytes]:
        self.socket.sendall(raw)
        return self.read()


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["http", "https"])
def options(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Path]:
    if request.param == "http":
        return {}
    return {"ssl_certfile": make_certificate(tmp_path / "server.pem")}


@pytest.fixture
def server(loop: str, options: dict[str, Path]) -> Iterator[Running]:
    with serving(loop, Limits(header_s=0.4, linger_s=0.2), **options) as server:
        yield server


def test_what_is_at_hand_is_answered_at_once(server: Running) -> None:
    with server.client() as client:
        for _ in range(3):
            assert client.ask(HOT) == ("express", b"at once")
            assert client.ask(COLD) == ("ordinary", b"in a while")
        client.socket.sendall(HOT.replace(b"GET", b"HEAD"))
        assert client.read(head=True) == ("express", b"")
        assert client.ask(HOT) == ("express", b"at once")


def test_the_server_puts_its_own_headers_to_it(server: Running) -> None:
    with server.client() as client:
        client.socket.sendall(HOT.replace(b"\r\n\r\n", b"\r\nX-Request-ID: mine\r\n\r\n"))
        headers = client.headers()
        assert headers["x-request-id"] == "mine"
        assert headers["date"].endswith("GMT")
        client.stream.read(7)
        ids = set()
        for _ in range(5):
            client.socket.sendall(HOT)
            ids.add(client.headers()["x-request-id"])
            client.stream.read(7)
        assert len(ids) == 5
        assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in ids)


@pytest.mark.parametrize(
    "raw",
    [
        HOT.replace(b"1.1", b"1.0"),
        HOT.replace(b"1.1\r\n", b"1.0\r\nConnection: keep-alive\r\n"),
        HOT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        HOT.replace(b"\r\n\r\n", b"\r\nContent-Length: 4\r\n\r\nbody"),
        HOT.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n"),
        HOT.replace(b"\r\n\r\n", b"\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
        HOT.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n"),
        HOT.replace(b"GET", b"OPTIONS"),
    ],
)
def test_what_is_not_plain_takes_the_ordinary_road(server: Running, raw: bytes) -> None:
    with server.client() as client:
        assert client.ask(HOT) == ("express", b"at once")
        assert client.ask(raw) == ("ordinary", b"at once")


@pytest.mark.parametrize("length", [b"", b"Content-Length: 0\r\n"])
def test_a_post_without_a_body_may_be_answered_at_once(server: Running, length: bytes) -> None:
    plain = b"POST /begin HTTP/1.1\r\nHost: x\r\n" + length + b"\r\n"
    with server.client() as client:
        for _ in range(3):
            assert client.ask(plain) == ("express", b"")
            assert client.ask(HOT) == ("express", b"at once")
        for body in (b"Content-Length: 3\r\n\r\nabc", b"Content-Length: 00\r\n\r\n"):
            raw = b"POST /begin HTTP/1.1\r\nHost: x\r\n" + body
            assert client.ask(raw) == ("ordinary", b"in a while")
            assert client.ask(plain) == ("express", b"")


def test_what_follows_the_begin_of_an_upload_is_read_with_care(server: Running) -> None:
    post = b"POST /begin HTTP/1.1\r\nHost: x\r\n\r\n"
    with server.client() as client:
        for _ in range(2):  # parsed, and known
            for asked, much in ((post, True), (HOT, False)):
                assert client.ask(asked)[0] == "express"
                wait_until(partial(is_read_with_care, server, much and not server.trust))


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_thousands_that_begin_uploads_take_turns_and_others_do_not_wait(
    monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    post = b"POST /begin HTTP/1.1\r\nHost: x\r\n\r\n"
    answered: list[list[bytes]] = [[]]  # the methods, in each turn
    answer_at_once, go_on = ExpressProtocol._answer_at_once, Starts._go_on

    def answering(protocol: ExpressProtocol, front: Front, asked: Asked) -> bool:
        answered[-1].append(asked.method)
        return answer_at_once(protocol, front, asked)

    def going_on(starts: Starts) -> None:
        answered.append([])
        go_on(starts)

    with serving(loop, Limits()) as server, ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _ in range(3 * AT_ONCE)]
        for client in clients:
            assert client.ask(HOT)[0] == "express"
        assert clients[0].ask(post)[0] == "express"
        monkeypatch.setattr(ExpressProtocol, "_answer_at_once", answering)
        monkeypatch.setattr(Starts, "_go_on", going_on)
        (protocol, *_) = server.server.server_state.connections
        protocol.loop.call_soon_threadsafe(time.sleep, 0.5)
        for number, client in enumerate(clients):
            client.socket.sendall(post if number % 3 else HOT)
        assert {client.read()[0] for client in clients} == {"express"}
    turns = [Counter(turn) for turn in answered]
    assert sum(turns, Counter()) == {b"GET": AT_ONCE, b"POST": 2 * AT_ONCE}
    assert max(turn[b"POST"] for turn in turns) <= AT_ONCE


def is_read_with_care(server: Running, expected: bool) -> bool:
    (protocol,) = server.server.server_state.connections
    return isinstance(protocol.transport.get_protocol(), Reader) == expected


def test_pipelined_requests_are_answered_in_order(server: Running) -> None:
    turns = [HOT, COLD, HOT, HOT, COLD, COLD, HOT]
    with server.client() as client:
        client.socket.sendall(b"".join(turns))
        expected = [b"at once" if each is HOT else b"in a while" for each in turns]
        assert [client.read()[1] for _ in turns] == expected
        assert client.ask(HOT) == ("express", b"at once")


def test_a_request_may_come_byte_by_byte(server: Running) -> None:
    with server.client() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in HOT + COLD + HOT:
            client.socket.sendall(bytes([byte]))
        bodies = [client.read()[1] for _ in range(3)]
        assert bodies == [b"at once", b"in a while", b"at once"]


def test_the_same_bytes_again_are_not_parsed_again(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []
    once = ServingProtocol.data_received

    def parse(self: Any, data: bytes) -> None:
        parsed.append(data)
        once(self, data)

    monkeypatch.setattr(ServingProtocol, "data_received", parse)
    for _ in range(2):
        with server.client() as client:
            for _ in range(3):
                assert client.ask(HOT) == ("express", b"at once")
                assert client.ask(COLD) == ("ordinary", b"in a while")
    assert parsed == [HOT, *6 * [COLD]]


@pytest.mark.parametrize("seed", range(5))
def test_however_requests_are_cut_the_answers_are_theirs(server: Running, seed: int) -> None:
    chance = random.Random(seed)
    # The last is one that ends where the line feeds are alone, and another begins.
    kinds = [HOT, COLD, HOT.replace(b"Host: x", b"Host: y"), b"GET /hot HTTP/1.1\n\n" + COLD]
    turns = chance.choices(kinds, k=60)
    with server.client() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for turn in turns[:30]:
            cut = chance.choice([0, 0, 5, len(turn) - 1])
            client.socket.sendall(turn[:cut])
            time.sleep(0.001 * bool(cut))
            client.socket.sendall(turn[cut:])
            if turn is kinds[3] and client.stream.peek(12)[:12] == b"HTTP/1.1 400":
                return  # a parser that is strict about line feeds hangs up, and has said so
            for body in told(turn):
                assert client.read()[1] == body
        client.socket.sendall(b"".join(turn for turn in turns[30:] if turn is not kinds[3]))
        for turn in turns[30:]:
            if turn is not kinds[3]:
                assert client.read()[1] == told(turn)[0]


def told(turn: bytes) -> list[bytes]:
    bodies = {b"/hot": b"at once", b"/cold": b"in a while"}
    return [bodies[each] for each in re.findall(rb"GET (/\w+)", turn)]


def test_what_is_remembered_of_requests_has_a_bound(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(express, "MAX_KNOWN", 3)
    with server.client() as client:
        assert client.ask(HOT) == ("express", b"at once")
        connections: Any = server.server.server_state.connections
        (protocol,) = connections
        for number in range(8):
            named = HOT.replace(b"Host: x", b"Host: %d" % number)
            assert client.ask(named) == client.ask(named) == ("express", b"at once")
            assert len(protocol.known) <= 3
        large = HOT.replace(b"Host: x", b"Host: x\r\nCookie: " + b"a" * 5000)
        assert client.ask(large) == client.ask(large) == ("express", b"at once")
        assert large not in protocol.known


def test_an_idle_connection_is_not_taken_for_a_late_request(server: Running) -> None:
    with server.client() as client:
        assert client.ask(HOT) == ("express", b"at once")
        time.sleep(0.9)  # more than a header may take
        assert client.ask(HOT) == ("express", b"at once")
        client.socket.sendall(HOT[:20])
        assert client.stream.readline().split()[1] == b"408"


def test_a_connection_on_which_nothing_comes_any_more_is_closed(
    loop: str, options: dict[str, Path]
) -> None:
    with (
        serving(loop, Limits(), timeout_keep_alive=1, **options) as server,
        server.client() as client,
    ):
        for _ in range(4):
            assert client.ask(HOT) == ("express", b"at once")
            time.sleep(0.4)  # shorter than that, though together it is longer
        asked_at = time.monotonic()
        assert client.ask(HOT) == ("express", b"at once")
        client.socket.settimeout(5)
        assert client.stream.read() == b""
        assert time.monotonic() - asked_at > 0.9


def test_who_asks_and_does_not_read_fills_no_memory(server: Running) -> None:
    count = 45  # answers, 22 MB in all
    with server.client() as client:
        client.socket.sendall(LARGE * count)
        time.sleep(0.5)
        (protocol,) = server.server.server_state.connections
        assert protocol.transport.get_write_buffer_size() < 2 * 1024 * 1024
        for _ in range(count):
            assert client.read()[1] == BIG


def test_each_request_is_a_line_of_the_log(server: Running) -> None:
    while not LINES.empty():
        LINES.get()
    with server.client() as client:
        client.ask(HOT)
    assert re.match(r'127.0.0.1 "GET /hot" 200 \d+\.\dms [0-9a-f-]{36}\n', LINES.get(timeout=5))


def test_a_large_answer_is_written_at_once_too(server: Running) -> None:
    with server.client() as client:
        for _ in range(3):
            assert client.ask(LARGE) == ("express", BIG)
            assert client.ask(HOT) == ("express", b"at once")


LEAVING = {  # what is said, and how much of the answer is read
    "in a request": (HOT[:20], 0),
    "unanswered": (HOT, 0),
    "in a next request": (HOT + HOT[:20], 50),
    "in a large answer": (LARGE, 50),
    "in the second of many": (LARGE * 9, 600_000),
    "on both roads": (HOT + COLD + LARGE, 0),
    "behind the ordinary road": (COLD + HOT[:20], 50),
}


@pytest.mark.parametrize(("said", "nbytes"), LEAVING.values(), ids=LEAVING)
def test_a_client_that_leaves_in_the_middle_harms_nobody(
    server: Running, caplog: pytest.LogCaptureFixture, said: bytes, nbytes: int
) -> None:
    for _ in range(5):
        with server.client() as client:
            client.socket.sendall(said)
            client.stream.read(nbytes)
    with server.client() as client:
        assert client.ask(HOT) == ("express", b"at once")
    wait_until(lambda: not server.server.server_state.connections)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_server_stops_although_a_client_stays(loop: str) -> None:
    with ExitStack() as stay:
        with serving(loop, Limits(), timeout_keep_alive=60) as server:
            client = stay.enter_context(server.client())
            assert client.ask(HOT) == ("express", b"at once")
        assert client.stream.read() == b""
