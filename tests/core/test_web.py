import asyncio
import re
import sqlite3
import uuid
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from harbor.core import web
from harbor.core.errors import Conflict, HarborError
from tests.make import ADMIN, API, error_of
from tests.registry.servers import Answer, ask

Sent = list[Message]


class Driver(Exception):
    """A failure as a database driver reports it."""

    def __init__(self, **facts: str) -> None:
        super().__init__("the server's own words, /var/lib/postgresql/secret")
        vars(self).update(facts)


def sqlite_error(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is what it is")
    vars(error)["sqlite_errorname"] = name
    return error


def failed(cause: Exception, kind: type[DBAPIError] = DBAPIError) -> DBAPIError:
    return kind("SELECT secret FROM harbor_user", {}, cause)


def scope_of(path: str = "/", *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "headers": list(headers)}


def ask_around(app: Any, scope: dict[str, Any], note: Any = None) -> tuple[Answer, Sent]:
    """What ``Around`` sends of *app*'s answer."""
    sent: Sent = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(web.Around(app, note)(scope, receive, send))
    start, *rest = sent
    headers = {k.decode().lower(): v.decode() for k, v in start["headers"]}
    body = b"".join(message.get("body", b"") for message in rest)
    return Answer(start["status"], headers, body), sent


def raising(error: Exception) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    return app


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Conflict("taken"), (409, "CONFLICT")),
        (HTTPException(404), (404, "NOT_FOUND")),
        (HTTPException(405, headers={"Allow": "GET"}), (405, "METHOD_NOT_ALLOWED")),
        (failed(Driver(), IntegrityError), (409, "CONFLICT")),
        (failed(Driver(sqlstate="40001")), (503, "SERVICE_UNAVAILABLE")),
        (failed(Driver(sqlstate="40P01")), (503, "SERVICE_UNAVAILABLE")),
        (failed(Driver(sqlstate="53300")), (503, "SERVICE_UNAVAILABLE")),
        (failed(Driver(sqlstate="57P01")), (503, "SERVICE_UNAVAILABLE")),
        (failed(Driver(sqlstate="53100")), (507, "INSUFFICIENT_STORAGE")),
        (failed(Driver(sqlstate="42P01")), (500, "UNKNOWN")),
        (failed(sqlite_error("SQLITE_BUSY"), OperationalError), (503, "SERVICE_UNAVAILABLE")),
        (failed(sqlite_error("SQLITE_BUSY_SNAPSHOT")), (503, "SERVICE_UNAVAILABLE")),
        (failed(sqlite_error("SQLITE_FULL"), OperationalError), (507, "INSUFFICIENT_STORAGE")),
        (failed(sqlite_error("SQLITE_CORRUPT"), OperationalError), (500, "UNKNOWN")),
        (Driver(sqlstate="57P01"), (503, "SERVICE_UNAVAILABLE")),
        (Driver(sqlstate="42P01"), (500, "UNKNOWN")),
        (sqlite_error("SQLITE_BUSY"), (503, "SERVICE_UNAVAILABLE")),
        (RuntimeError("a bug in /root/secret"), (500, "UNKNOWN")),
        (ZeroDivisionError(), (500, "UNKNOWN")),
    ],
)
def test_a_failure_is_told_as_one_that_a_caller_may_see(
    error: Exception, expected: tuple[int, str]
) -> None:
    told = web.translated(error, scope_of(), b"an id")
    assert (told.status, told.code) == expected
    assert "secret" not in str(told)
    if told.status == 503:
        assert told.headers["Retry-After"].isdigit()
    if told.status == 500:
        assert str(told) == "internal server error"


def test_an_unexpected_failure_is_logged_with_its_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer, _ = ask_around(raising(RuntimeError("oh")), scope_of("/x", (b"x-request-id", b"r1")))
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "r1"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert vars(record)["path"] == "/x"
    assert vars(record)["request_id"] == "r1"


def test_an_expected_failure_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    answer, _ = ask_around(raising(Conflict("taken")), scope_of())
    assert answer.status_code == 409
    assert caplog.records == []


def test_a_failure_in_the_middle_of_an_answer_cuts_it_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        ask_around(breaks, scope_of())
    assert "failed while answering" in caplog.text


@pytest.mark.parametrize("given", [b"a", b"7b0f-1", 128 * b"x", b'"<>&'])
def test_a_request_keeps_the_id_that_it_brings(given: bytes) -> None:
    answer, _ = ask_around(fine, scope_of("/", (b"x-request-id", given)))
    assert answer.headers["x-request-id"] == given.decode()


@pytest.mark.parametrize("given", [b"", 129 * b"x", b"a b", b"\xe9", b"a\x00", b"a\r\nb"])
def test_an_unfit_id_is_replaced(given: bytes) -> None:
    answer, _ = ask_around(fine, scope_of("/", (b"x-request-id", given)))
    assert uuid.UUID(answer.headers["x-request-id"]).version == 4


def test_each_request_gets_an_id_of_its_own() -> None:
    ids = {ask_around(fine, scope_of())[0].headers["x-request-id"] for _ in range(10)}
    assert len(ids) == 10


@pytest.mark.parametrize(
    ("path", "merged"),
    [("/a/b", "/a/b"), ("//a", "/a"), ("/a///b//c/", "/a/b/c/"), ("///", "/"), ("", "")],
)
def test_slashes_in_a_row_are_one(path: str, merged: str) -> None:
    assert ask_around(fine, scope_of(path))[0].content == merged.encode()


def test_each_request_is_noted_in_one_line() -> None:
    lines: list[str] = []
    scope = scope_of("/a b\nc", (b"x-request-id", b"r1")) | {"client": ("10.0.0.1", 1)}
    ask_around(fine, scope, lines.append)
    (line,) = lines
    assert re.fullmatch(r'10\.0\.0\.1 "GET /a b\\nc" 200 \d+\.\dms r1\n', line)


def test_a_request_that_failed_is_noted_too() -> None:
    lines: list[str] = []
    ask_around(raising(RuntimeError()), scope_of(), lines.append)
    assert re.match(r'- "GET /" 500 ', lines[0])


def test_what_is_no_request_passes_through() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    asyncio.run(web.Around(app, None)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]


@pytest.mark.parametrize("path", ["/nothing", f"{API}/nothing", "/service", "/service/token/x"])
def test_a_path_that_leads_nowhere_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(path, auth=ADMIN)
    assert error_of(answer) == (404, "NOT_FOUND")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", f"{API}/projects"), ("POST", "/api/version"), ("DELETE", "/")]
)
def test_a_method_that_does_not_fit_is_refused(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path, auth=ADMIN)
    assert error_of(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"]


def test_slashes_in_a_row_lead_to_the_same_place(client: TestClient) -> None:
    assert ask(client, "GET", "//api///version").status_code == 200


def test_a_harbor_error_is_a_server_error_unless_it_says_otherwise() -> None:
    assert (HarborError.status, HarborError.code) == (500, "UNKNOWN")
