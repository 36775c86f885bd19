"""Bytes that are no HTTP, or hardly: an answer or the end of the connection, and soon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.client import ADMIN, Client, basic, connect, push_image
from tests.crash.conftest import servers
from tests.crash.hostile import check, exchange, nothing_stored
from tests.crash.server import Server

pytestmark = pytest.mark.crash
REPOSITORY = "library/http"
AUTH = f"Authorization: {basic(ADMIN)}\r\n".encode()
UPLOADS = f"/v2/{REPOSITORY}/blobs/uploads/".encode()
MANIFEST = f"/v2/{REPOSITORY}/manifests/v2".encode()
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("http")
    with servers(folder) as make:
        made = make(header_timeout_s=2)
        made.start()
        with Client(made.port) as client:
            push_image(client, REPOSITORY, "v1", b"a layer")
        yield made


def get(path: bytes = b"/v2/", headers: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET " + path + b" " + version + b"\r\nHost: x\r\n" + AUTH + headers + b"\r\n"


def put(headers: bytes, body: bytes, path: bytes = MANIFEST, method: bytes = b"PUT") -> bytes:
    return method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n" + AUTH + headers + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked\r\n"
GARBAGE = {
    "nothing": b"",
    "a newline": b"\r\n",
    "newlines": b"\r\n" * 10_000,
    "nulls": bytes(1000),
    "random": bytes(range(256)) * 10,
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "SSH": b"SSH-2.0-OpenSSH_9.0\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /v2/\r\n",
    "HTTP/1.0": get(version=b"HTTP/1.0"),
    "HTTP/3.9": get(version=b"HTTP/3.9"),
    "HTTP/99999.1": get(version=b"HTTP/99999.1"),
    "no version": b"GET /v2/ \r\n\r\n",
    "no path": b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "an absolute URL": get(b"http://evil.example/v2/"),
    "a URL with a user": get(b"http://user:pass@x/v2/"),
    "a path without slash": get(b"v2/"),
    "a null in the path": get(b"/v2/\0/x"),
    "a tab in the path": get(b"/v2/\t/x"),
    "bytes above 127 in the path": get(b"/v2/\xff\xfe/tags/list"),
    "UTF-8 in the path": get("/v2/é/tags/list".encode()),
    "a fragment": get(b"/v2/#x"),
    "a long path": get(b"/v2/" + b"a" * 60_000),
    "a longer path": get(b"/v2/" + b"a" * MIB),
    "a long query": get(b"/v2/?" + b"a=b&" * 15_000),
    "a long method": b"A" * 100_000 + b" / HTTP/1.1\r\n\r\n",
    "a big header": get(headers=b"X-Big: " + b"a" * 70_000 + b"\r\n"),
    "a huge header": get(headers=b"X-Big: " + b"a" * 5 * MIB + b"\r\n"),
    "many headers": get(headers=b"X-Many: a\r\n" * 500),
    "very many headers": get(headers=b"X: a\r\n" * 100_000),
    "a header without colon": get(headers=b"nocolon\r\n"),
    "a header without name": get(headers=b": value\r\n"),
    "a header with a space": get(headers=b"Na me: value\r\n"),
    "a header with a null": get(headers=b"Name: va\0lue\r\n"),
    "a header with a bare CR": get(headers=b"Name: va\rlue\r\n"),
    "a folded header": get(headers=b"Name: a\r\n b\r\n"),
    "bare newlines": b"GET /v2/ HTTP/1.1\nHost: x\n\n",
    "no host": b"GET /v2/ HTTP/1.1\r\n\r\n",
    "two hosts": get(headers=b"Host: y\r\n"),
    "a bad host": b"GET /v2/ HTTP/1.1\r\nHost: x\"><script>/../\r\n\r\n",
    "a host with a null": b"GET /v2/ HTTP/1.1\r\nHost: x\0y\r\n\r\n",
    "upgrade to websocket": get(headers=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"),
    "upgrade to h2c": get(headers=b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                          b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
    "expect something": put(b"Expect: 200-ok\r\nContent-Length: 2\r\n", b"{}"),
    "expect to continue": put(b"Expect: 100-continue\r\nContent-Length: 2\r\n", b"{}"),
    "length and chunks": put(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"),
    "chunks and length": put(CHUNKED + b"Content-Length: 5\r\n", b"0\r\n\r\n"),
    "two lengths": put(b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}"),
    "the same length twice": put(b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
    "a list of lengths": put(b"Content-Length: 2, 2\r\n", b"{}"),
    "a negative length": put(b"Content-Length: -1\r\n", b"{}"),
    "a length with a sign": put(b"Content-Length: +2\r\n", b"{}"),
    "a length in hex": put(b"Content-Length: 0x2\r\n", b"{}"),
    "a length that is text": put(b"Content-Length: two\r\n", b"{}"),
    "a length of 30 digits": put(b"Content-Length: " + b"9" * 30 + b"\r\n", b"{}"),
    "a length of 19 digits": put(b"Content-Length: 9223372036854775808\r\n", b"{}"),
    "a length of a terabyte": put(b"Content-Length: 1099511627776\r\n", b"{}", UPLOADS, b"POST"),
    "an empty length": put(b"Content-Length: \r\n", b"{}"),
    "more than it says": put(b"Content-Length: 2\r\n", b"{}GARBAGE\r\n\r\n"),
    "less than it says": put(b"Content-Length: 100\r\n", b"{}"),
    "unknown coding": put(b"Transfer-Encoding: gzip\r\n", b"{}"),
    "two codings": put(b"Transfer-Encoding: gzip, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "chunked twice": put(b"Transfer-Encoding: chunked, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "chunked, with an x": put(b"Transfer-Encoding: xchunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "a space before the colon": put(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
    "a chunk without size": put(CHUNKED, b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk of size x": put(CHUNKED, b"x\r\n{}\r\n0\r\n\r\n"),
    "a negative chunk": put(CHUNKED, b"-2\r\n{}\r\n0\r\n\r\n"),
    "a huge chunk": put(CHUNKED, b"f" * 30 + b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk of 8 exabytes": put(CHUNKED, b"7fffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is longer": put(CHUNKED, b"2\r\n{}{}\r\n0\r\n\r\n"),
    "a long size of a chunk": put(CHUNKED, b"0" * 70_000 + b"2\r\n{}\r\n0\r\n\r\n"),
    "a long extension of a chunk": put(CHUNKED, b"2;" + b"x" * 100_000 + b"\r\n{}\r\n0\r\n\r\n"),
    "long trailers": put(CHUNKED, b"0\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"),
    "many trailers": put(CHUNKED, b"0\r\n" + b"X: a\r\n" * 10_000 + b"\r\n"),
    "no last chunk": put(CHUNKED, b"2\r\n{}\r\n"),
    "a torn header": b"GET /v2/ HTTP/1.1\r\nHost: x\r\nAuthoriz",
    "a torn upload": put(b"Content-Length: 100\r\n", b"abc",
                         UPLOADS + b"?digest=sha256:" + b"0" * 64, b"POST"),
    "a torn upload in chunks": put(CHUNKED, b"5\r\nab",
                                   UPLOADS + b"?digest=sha256:" + b"0" * 64, b"POST"),
}  # fmt: skip


@pytest.mark.parametrize("half_close", [True, False], ids=["half-closed", "open"])
def test_garbage_is_answered_or_hung_up_on(server: Server, half_close: bool) -> None:
    told, seen = [], dict[str, int]()
    with nothing_stored(server):
        for name, sent in GARBAGE.items():
            if not half_close and waits(name):
                continue
            try:
                answer = exchange(server.port, sent, half_close=half_close)
                seen[name] = answer.status if answer else 0
                if answer:
                    check(answer, path="/")
                    assert answer.status not in (200, 201, 202) or name in FINE, answer.status
                    if answer.status == 202:
                        with Client(server.port) as client:
                            client.call("DELETE", answer.location)
            except Exception as error:  # noqa: BLE001, all of them are told together
                told.append(f"{name}: {error!r}")
        with Client(server.port) as client:
            assert client.get("/v2/").status == 200
    print(seen)
    assert told == []


FINE = {
    "HTTP/1.0",
    "HTTP/3.9",
    "an absolute URL",
    "a URL with a user",
    "a fragment",
    "a long query",
    "two hosts",
    "upgrade to websocket",
    "upgrade to h2c",
    "a header with a bare CR",
    "a folded header",
    "a length of a terabyte",
}


def waits(name: str) -> bool:
    """What may be the beginning of something, so that the server rightly waits for the rest.

    For a header it waits for two seconds here; for a body, half a minute.
    """
    return name in {
        "less than it says",
        "no last chunk",
        "a torn upload",
        "a torn upload in chunks",
        "a length of a terabyte",
        "a length of 19 digits",
        "a chunk of 8 exabytes",
    }


def test_a_smuggled_request_is_not_answered(server: Server) -> None:
    """After a request whose end can be read in two ways, nothing more is taken from there."""
    hidden = get(b"/v2/_catalog")
    for sent in (
        put(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n" + hidden),
        put(CHUNKED + b"Content-Length: 5\r\n", b"0\r\n\r\n" + hidden),
        put(b"Content-Length: 2\r\nContent-Length: 100\r\n", b"{}" + hidden),
        put(b"Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n", b"{}" + hidden),
        put(b"Transfer-Encoding : chunked\r\nContent-Length: 2\r\n", b"{}" + hidden),
        put(
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n" + hidden
        ),
    ):
        with connect(server.port) as connection:
            connection.sendall(sent)
            found = b""
            while piece := connection.recv(65536):
                found += piece
        assert b"repositories" not in found, sent
        assert found.count(b"HTTP/1.1 ") <= 1


def test_requests_in_a_row_are_answered_in_a_row(server: Server) -> None:
    """Twenty at once in one connection; each gets its own answer."""
    with connect(server.port) as connection:
        paths = [f"/v2/{REPOSITORY}/manifests/x{n}".encode() for n in range(20)]
        connection.sendall(b"".join(get(path) for path in paths[:-1]))
        connection.sendall(get(paths[-1], b"Connection: close\r\n"))
        found = b""
        while piece := connection.recv(65536):
            found += piece
    assert found.count(b"HTTP/1.1 404") == 20
    places = [found.index(b"x%d not found" % n) for n in range(20)]
    assert places == sorted(places)
