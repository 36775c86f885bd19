"""Clients that are slow, greedy or broken, against a real server with short limits."""

import asyncio
import datetime
import ipaddress
import json
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harbor.core import guard
from harbor.core.guard import KIB, GuardedProtocol, Limits, guarded

SHORT = Limits(
    header_s=0.5, body_window_s=0.5, stall_s=0.5, linger_s=0.2, max_header_lines=50, max_pipelined=5
)
GET = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
PUT = b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"PUT /put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
PATIENCE_S = 5  # for what must happen; what must not happen is waited for in each test


@dataclass
class App:
    """An application that does what the path says, and tells what it saw."""

    told: "queue.Queue[tuple[bytes, str]]" = field(default_factory=queue.Queue)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if path == "/late":
            await asyncio.sleep(0.8)
        if path == "/slow":
            await asyncio.sleep(0.2)
        if path == "/stream":
            return await self.stream(receive, send)
        body = b"" if path == "/unread" else await self.read(receive, path == "/sip")
        self.headers = scope["headers"]
        if body is not None:
            await answer(send, b"%s %d" % (path.encode(), len(body)))
        return None

    async def read(self, receive: Any, sips: bool) -> bytes | None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if message["type"] == "http.disconnect" or not message["more_body"]:
                self.told.put((body, message["type"]))
                return body if message["type"] == "http.request" else None
            if sips:
                await asyncio.sleep(0.3)

    async def stream(self, receive: Any, send: Any) -> None:
        await receive()
        gone = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        nbytes = 0
        while not gone.done():
            await send({"type": "http.response.body", "body": b"x" * 64 * KIB, "more_body": True})
            nbytes += 64 * KIB
            await asyncio.sleep(0)
        self.told.put((b"%d" % nbytes, gone.result()["type"]))


async def answer(send: Any, body: bytes) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Running:
    port: int
    app: App
    server: uvicorn.Server

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def told(self) -> tuple[bytes, str]:
        return self.app.told.get(timeout=PATIENCE_S)

    @property
    def watch(self) -> guard.Watch:
        return guard._watches[self.server.server_state]


@contextmanager
def serving(limits: Limits, loop: str = "uvloop", **options: Any) -> Iterator[Running]:
    app = App()
    config = uvicorn.Config(
        app, http=guarded(limits), loop=loop, lifespan="off", log_config=None, **options
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield Running(listener.getsockname()[1], app, server)
        finally:
            server.should_exit = server.force_exit = True
            thread.join(PATIENCE_S)


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def shared(request: pytest.FixtureRequest) -> Iterator[Running]:
    with serving(SHORT, request.param) as running:
        yield running


@pytest.fixture
def here(shared: Running) -> Running:
    shared.app.told = queue.Queue()
    return shared


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def read_all(client: socket.socket) -> bytes:
    """What comes until the server closes; an abort counts as a close."""
    received = b""
    try:
        while piece := client.recv(64 * KIB):
            received += piece
    except ConnectionResetError:
        pass
    return received


def expect(client: socket.socket, end: bytes) -> bytes:
    """What comes until *end* of an answer."""
    received = b""
    while not received.endswith(end):
        piece = client.recv(64 * KIB)
        assert piece, received
        received += piece
    return received


def assert_refused(received: bytes, status: int, code: str) -> None:
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), received
    assert b"content-type: application/json" in head
    assert b"connection: close" in head
    error = json.loads(body)["errors"][0]
    assert error["code"] == code
    assert error["message"]


def drip(client: socket.socket, piece: bytes, pause_s: float, times: int) -> bool:
    """Whether the server stood all of it."""
    client.settimeout(pause_s)
    for _ in range(times):
        try:
            client.sendall(piece)
            if client.recv(1, socket.MSG_PEEK) == b"":
                return False
        except TimeoutError:
            continue
        except ConnectionError:
            return False
        else:
            return False
    client.settimeout(PATIENCE_S)
    return True


# Headers


def test_a_connection_that_says_nothing_is_closed(here: Running) -> None:
    begin = time.monotonic()
    with here.connect() as client:
        assert client.recv(1) == b""
    assert 0.3 < time.monotonic() - begin < 2


def test_a_header_that_dribbles_is_answered_408(here: Running) -> None:
    with here.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert not drip(client, b"A", 0.1, 20)
        client.settimeout(PATIENCE_S)
        assert_refused(read_all(client), 408, "REQUEST_TIMEOUT")


@pytest.mark.parametrize("begin", [b"GET /", b"\r\n", GET[:-2] % b"/"])
def test_a_next_request_must_not_dribble_either(here: Running, begin: bytes) -> None:
    with here.connect() as client:
        client.sendall(GET % b"/" + begin[:-1])
        expect(client, b"/ 0")
        client.sendall(begin[-1:])
        assert_refused(read_all(client), 408, "REQUEST_TIMEOUT")


@pytest.mark.parametrize(
    "request_",
    [
        GET[:-2] % b"/" + b"A: " + b"a" * 200 * KIB,
        GET[:-2] % b"/" + b"A: " + b"a" * 200 * KIB + b"\r\n\r\n",
        GET % (b"/" + b"a" * 70 * KIB),
        GET[:-2] % b"/" + b"a:b\r\n" * 60,
        GET[:-2] % b"/" + b"a:b\r\n" * 60 + b"\r\n",
        b"\r\n" * 40 * KIB,
    ],
    ids=["unfinished", "finished", "path", "lines", "finished lines", "blank lines"],
)
def test_a_header_that_is_too_large_is_answered_431(here: Running, request_: bytes) -> None:
    with here.connect() as client:
        client.sendall(request_)
        assert_refused(read_all(client), 431, "REQUEST_HEADER_FIELDS_TOO_LARGE")
    assert here.app.told.empty()


@pytest.mark.parametrize("trailer", [b"A: " + b"a" * 400 * KIB, b"a:b\r\n" * 60])
def test_a_trailer_that_is_too_large_is_answered_431(here: Running, trailer: bytes) -> None:
    with here.connect() as client:
        client.sendall(CHUNKED + b"3\r\nabc\r\n0\r\n" + trailer)
        assert_refused(read_all(client), 431, "REQUEST_HEADER_FIELDS_TOO_LARGE")
    assert here.told()[1] == "http.disconnect"


def test_a_trailer_does_not_become_a_header(here: Running) -> None:
    with here.connect() as client:
        client.sendall(CHUNKED + b"3\r\nabc\r\n0\r\nAuthorization: Basic x\r\n\r\n")
        expect(client, b"/put 3")
    assert here.app.headers == [(b"host", b"x"), (b"transfer-encoding", b"chunked")]


def test_a_large_header_within_the_limit_passes(here: Running) -> None:
    with here.connect() as client:
        big = b"A: " + b"a" * 60 * KIB + b"\r\nContent-Length: 100000\r\n\r\n"
        for _ in range(2):
            client.sendall(GET[:-2] % b"/" + big + b"b" * 100_000)
            expect(client, b"/ 100000")


# Bodies


def test_a_slow_body_is_cut_and_what_came_is_kept(here: Running) -> None:
    with here.connect() as client:
        client.sendall(PUT % (b"/put", 10_000) + b"a" * 2000)
        assert not drip(client, b"b", 0.1, 30)
    body, last = here.told()
    assert body.startswith(b"a" * 2000 + b"b")
    assert last == "http.disconnect"


def test_a_slow_trailer_is_cut(here: Running) -> None:
    with here.connect() as client:
        client.sendall(CHUNKED + b"3\r\nabc\r\n0\r\n")
        assert not drip(client, b"A", 0.1, 30)
    assert here.told() == (b"abc", "http.disconnect")


def test_a_body_above_the_rate_is_not_cut(here: Running) -> None:
    with here.connect() as client:
        client.sendall(PUT % (b"/put", 15 * KIB))
        assert drip(client, b"a" * KIB, 0.1, 14)
        client.sendall(b"a" * KIB)
        expect(client, b"/put 15360")


@pytest.mark.parametrize(("path", "nbytes"), [(b"/late", 5), (b"/sip", 300 * KIB)])
def test_a_slow_application_is_not_the_clients_fault(
    here: Running, path: bytes, nbytes: int
) -> None:
    with here.connect() as client:
        client.sendall(PUT % (path, nbytes) + b"a" * nbytes)
        expect(client, b"%s %d" % (path, nbytes))


def test_a_client_waits_for_100_continue_as_long_as_the_application_needs(here: Running) -> None:
    with here.connect() as client:
        client.sendall(PUT[:-2] % (b"/late", 3) + b"Expect: 100-continue\r\n\r\n")
        expect(client, b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(b"abc")
        expect(client, b"/late 3")


def test_the_rest_of_a_body_that_nobody_reads_must_not_dribble(here: Running) -> None:
    with here.connect() as client:
        client.sendall(PUT % (b"/unread", 10_000))
        expect(client, b"/unread 0")
        assert not drip(client, b"b", 0.1, 30)


# Answers


def make_slow_reader(here: Running) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * KIB)
    client.settimeout(PATIENCE_S)
    client.connect(("127.0.0.1", here.port))
    client.sendall(GET % b"/stream")
    return client


def test_an_answer_that_is_not_read_is_aborted(here: Running) -> None:
    with make_slow_reader(here):
        assert here.told()[1] == "http.disconnect"


def test_an_answer_that_is_read_slowly_is_not_aborted(here: Running) -> None:
    with make_slow_reader(here) as client:
        for _ in range(12):
            assert client.recv(4 * KIB)
            time.sleep(0.1)
        assert here.app.told.empty()
    assert here.told()[1] == "http.disconnect"


# Connections


def test_the_newest_of_too_many_connections_is_refused() -> None:
    with serving(replace(SHORT, header_s=5, max_connections=2)) as here:
        for _ in range(2):
            with here.connect() as one, here.connect() as two:
                for client in (one, two):
                    client.sendall(GET % b"/")
                    expect(client, b"/ 0")
                with here.connect() as three:
                    assert_refused(read_all(three), 503, "SERVICE_UNAVAILABLE")
                assert len(here.watch.live) == 2
            wait_until(lambda: not here.watch.live)
        assert not here.watch.peers


def test_idle_connections_from_one_address_are_limited() -> None:
    with serving(replace(SHORT, header_s=5, max_idle_per_address=1)) as here:
        with here.connect() as busy:
            busy.sendall(PUT % (b"/put", 1))
            wait_until(lambda: any(peer.idle == 0 for peer in here.watch.peers.values()))
            with here.connect() as idle:
                wait_until(lambda: len(here.watch.live) == 2)
                with here.connect() as refused:
                    assert_refused(read_all(refused), 503, "SERVICE_UNAVAILABLE")
                busy.sendall(b"x")
                expect(busy, b"/put 1")
                assert here.watch.peers["127.0.0.1"].idle == 2
                idle.sendall(GET % b"/")
                expect(idle, b"/ 0")
        wait_until(lambda: not here.watch.peers)


def test_the_timer_runs_only_while_there_are_connections(here: Running) -> None:
    with here.connect() as client:
        client.sendall(GET % b"/")
        client.recv(KIB)
        assert here.watch._due > 0
    wait_until(lambda: here.watch._due == 0)


# Requests in a row


def test_pipelined_requests_are_answered_in_order(here: Running) -> None:
    with here.connect() as client:
        client.sendall(GET % b"/slow" + PUT % (b"/put", 3) + b"abc" + GET % b"/last")
        received = expect(client, b"/last 0")
    places = [received.index(text) for text in (b"/slow 0", b"/put 3", b"/last 0")]
    assert places == sorted(places)
    assert received.count(b"200 OK") == 3


def test_too_many_pipelined_requests_are_not_taken(here: Running) -> None:
    with here.connect() as client:
        client.sendall(GET % b"/slow" * 2 + GET % b"/" * 50)
        received = read_all(client)
    assert received.count(b"200 OK") == received.count(b"HTTP/1.1") == 6


def test_the_application_hears_that_a_pipelining_client_left(here: Running) -> None:
    with here.connect() as client:
        client.sendall(GET % b"/stream" + GET % b"/")
        client.recv(KIB)
    assert here.told()[1] == "http.disconnect"


def test_garbage_is_answered_400_as_json(here: Running) -> None:
    with here.connect() as client:
        client.sendall(b"\x16\x03\x01 what?\r\n\r\n")
        assert_refused(read_all(client), 400, "BAD_REQUEST")


def test_garbage_does_not_get_into_the_answer_before(here: Running) -> None:
    with here.connect() as client:
        client.sendall(GET % b"/slow" + b"what?\r\n\r\n")
        received = read_all(client)
    assert received.endswith(b"/slow 0")
    assert received.count(b"HTTP/1.1") == 1


def test_garbage_in_a_body_is_answered_400_and_the_application_hears_of_it(here: Running) -> None:
    with here.connect() as client:
        client.sendall(CHUNKED + b"3\r\nabc\r\n")
        time.sleep(0.1)
        client.sendall(b"zz\r\n")
        assert_refused(read_all(client), 400, "BAD_REQUEST")
    assert here.told() == (b"abc", "http.disconnect")


def test_garbage_in_a_waiting_body_costs_only_that_request(here: Running) -> None:
    with here.connect() as client:
        client.sendall(GET % b"/slow" + GET % b"/slow" + CHUNKED + b"zz\r\n")
        received = read_all(client)
    assert received.count(b"/slow 0") == received.count(b"HTTP/1.1") == 2
    assert [here.told(), here.told()] == [(b"", "http.request")] * 2
    assert here.app.told.empty()


def test_an_upgrade_is_answered_as_an_ordinary_request(here: Running) -> None:
    with here.connect() as client:
        for upgrade in (b"h2c", b"websocket"):
            client.sendall(
                GET[:-2] % b"/" + b"Connection: Upgrade\r\nUpgrade: %s\r\n\r\n" % upgrade
            )
            expect(client, b"/ 0")


def test_http_1_0_is_answered_and_closed(here: Running) -> None:
    with here.connect() as client:
        client.sendall(b"GET /old HTTP/1.0\r\n\r\n")
        assert read_all(client).endswith(b"/old 0")


# Half of a connection


@pytest.mark.parametrize("more", [b"", b"GET /next HTTP", PUT % (b"/next", 3) + b"a"])
def test_a_client_that_closes_its_half_gets_its_answer(here: Running, more: bytes) -> None:
    with here.connect() as client:
        client.sendall(GET % b"/slow" + more)
        client.shutdown(socket.SHUT_WR)
        received = read_all(client)
    assert received.endswith(b"/slow 0")
    assert received.count(b"HTTP/1.1") == 1


def test_the_application_hears_that_a_body_ended_early(here: Running) -> None:
    with here.connect() as client:
        client.sendall(PUT % (b"/put", 10) + b"abc")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
    assert here.told() == (b"abc", "http.disconnect")


@pytest.mark.parametrize("begin", [b"", b"GET / HT", GET % b"/"])
def test_a_client_that_leaves_is_let_go(here: Running, begin: bytes) -> None:
    with here.connect() as client:
        client.sendall(begin)
        if begin.endswith(b"\r\n\r\n"):
            expect(client, b"/ 0")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_the_limits_hold_under_tls(certificate: Path, loop: str) -> None:
    context = ssl.create_default_context(cafile=certificate)
    files = {"ssl_certfile": certificate, "ssl_keyfile": certificate}
    with serving(SHORT, loop, **files) as here:

        def connect() -> ssl.SSLSocket:
            return context.wrap_socket(here.connect(), server_hostname="127.0.0.1")

        with connect() as client:
            client.sendall(PUT % (b"/put", 100_000) + b"a" * 100_000)
            expect(client, b"/put 100000")
        with connect() as client:
            assert read_tls(client) == b""
        with connect() as client:
            client.sendall(b"GET /")
            assert_refused(read_tls(client), 408, "REQUEST_TIMEOUT")
        with connect() as client:
            client.sendall(GET[:-2] % b"/" + b"A: " + b"a" * 100 * KIB)
            assert_refused(read_tls(client), 431, "REQUEST_HEADER_FIELDS_TOO_LARGE")
        here.app.told = queue.Queue()
        with connect() as client:
            client.sendall(PUT % (b"/put", 10) + b"abc")
            assert read_tls(client) == b""
            assert here.told() == (b"abc", "http.disconnect")
        with connect() as client:
            client.sendall(GET % b"/stream")
            assert here.told()[1] == "http.disconnect"
        wait_until(lambda: not here.watch.live)


def read_tls(client: ssl.SSLSocket) -> bytes:
    try:
        return read_all(client)
    except ssl.SSLEOFError:  # aborted, without the good manners of TLS
        return b""


# The fit with uvicorn


def test_another_uvicorn_is_noticed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "USED", ((GuardedProtocol, "data_received on_telepathy"),))
    with pytest.raises(RuntimeError, match=r"GuardedProtocol lacks \['on_telepathy'\] in uvicorn"):
        guard.check_uvicorn()
