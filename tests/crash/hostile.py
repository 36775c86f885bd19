"""How a server must bear whatever it is sent: an answer in time, in form, that gives nothing away."""

import http.client
import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from tests.crash.client import Answer, Client, Cut, check_error, connect
from tests.crash.server import Server

TIMEOUT_S = 5
# What an answer says of our insides when it should not.
INSIDES = re.compile(
    rb"Traceback|File \"|site-packages|sqlalchemy|sqlite3?[.]|aiosqlite|asyncpg|SELECT |INSERT |"
    rb"/work|/tmp|/root|/usr|/home|[.]py\b(?!-)|uvicorn|httptools|msgspec[.]|joserfc|0x[0-9a-f]{8}",
)
MUST_HAVE_NO_BODY = (204, 304)


class Hang(Exception):
    """Neither an answer nor an end in time."""


def check(answer: Answer, *, path: str = "/v2/", method: str = "GET") -> None:
    """Raise ``AssertionError`` unless the answer is one that a stranger may get."""
    assert 200 <= answer.status < 500, f"{answer.status} {answer.body[:300]!r}"
    told = repr(sorted(answer.headers.items())).encode()
    leak = INSIDES.search(answer.body[:10_000]) or INSIDES.search(told)
    assert leak is None or leak[0] in path.encode(), f"gives away {leak}: {answer.body[:500]!r}"
    if answer.status >= 400 and method != "HEAD" and is_registry(path):
        check_form(answer)


def is_registry(path: str) -> bool:
    return path == "/v2" or path.startswith("/v2/")


def check_form(answer: Answer) -> None:
    """``{"errors": [{"code": ..., "message": ...}]}``, at least one."""
    assert answer.headers.get("content-type", "").startswith("application/json"), answer
    try:
        errors = json.loads(answer.body)["errors"]
        codes = [check_error(each) for each in errors]
    except (ValueError, KeyError, TypeError) as error:
        raise AssertionError(f"not in OCI's form: {answer}") from error
    assert codes
    assert all(re.fullmatch("[A-Z_]+", code) for code in codes), codes


def exchange(port: int, sent: bytes, *, half_close: bool = True) -> Answer | None:
    """What comes back for raw bytes; ``None`` if the server just hangs up; ``Hang``."""
    with connect(port, TIMEOUT_S) as connection:
        try:
            connection.sendall(sent)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before the end: then there is an answer to read, or none
        response = http.client.HTTPResponse(connection)
        with closing(response):
            try:
                response.begin()
                body = response.read()
            except TimeoutError as error:
                raise Hang(repr(sent[:300])) from error
            except (OSError, http.client.HTTPException):
                return None
            told = {name.lower(): text for name, text in response.getheaders()}
            return Answer(response.status, told, body)


@dataclass(frozen=True)
class Stored:
    """All that a server keeps, as files and as the API tells it."""

    blobs: tuple[str, ...]
    uploads: tuple[str, ...]
    tags: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, server: Server) -> "Stored":
        with Client(server.port) as client:
            names = client.get("/v2/_catalog").json()["repositories"]
            tags = tuple((name, tuple(client.tags(name))) for name in names)
        return cls(
            tuple(path.name for path in server.blobs()),
            tuple(path.name for path in server.uploads()),
            tags,
        )


@contextmanager
def nothing_stored(server: Server) -> Iterator[None]:
    """Whatever happens meanwhile leaves no trace, and does not cost memory for ever."""
    before, rss = Stored.of(server), server.rss()
    yield
    assert Stored.of(server) == before
    grown = server.rss() - rss
    print(f"RSS {grown / 1e6:+.1f} MB")
    assert grown < 50_000_000


def refused(client: Client, method: str, path: str, *args: object) -> Answer:
    """The answer to a request that must not succeed."""
    try:
        answer = client.call(method, path, *args)  # type: ignore[arg-type]
    except Cut as error:
        raise AssertionError(f"no answer: {error}") from error
    check(answer, path=path, method=method)
    return answer
