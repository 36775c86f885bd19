"""Around every request: its id, its line in the log, and an answer whatever happens."""

import itertools
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable
from urllib.parse import unquote

from sqlalchemy.exc import DBAPIError, IntegrityError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harbor.core import wire
from harbor.core.errors import (
    BadRequest,
    Conflict,
    HarborError,
    InsufficientStorage,
    MethodNotAllowed,
    NotFound,
    Unavailable,
)

log = logging.getLogger(__name__)
REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
SLASHES = re.compile(r"//+")
IN_REPOSITORY = re.compile(
    rb"/+(?:(?:api/+v2\.0|harbor)/+projects/+[^/]+/+repositories"
    rb"|(?:api/+)?chartrepo/+[^/]+/+charts)/"
)
ENCODED_SLASH = re.compile(r"%2[Ff]")
HEADERS = "harbor.headers"  # in the scope: what every answer to this request carries
RETRY = {"Retry-After": "2"}
# PostgreSQL: could not serialize, deadlock; out of connections, shutting down.
PASSING = frozenset(("40001", "40P01", "53300", "57P01", "57P03"))
LOST = ("08", "SQLITE_BUSY")  # connections that ended, and locks that were never had
CONSTRAINT = ("23", "SQLITE_CONSTRAINT")
FULL = frozenset(("53100", "SQLITE_FULL"))


class Around:
    """The outermost layer: the app inside may raise whatever it likes."""

    def __init__(
        self,
        app: ASGIApp,
        note: Callable[[str], None] | None,
        page: Callable[[Scope, HarborError], Response | None] = lambda scope, error: None,
    ) -> None:
        self._app, self._note = app, note
        self._page = page  # the answer to a browser, if it is one

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = id_of(scope["headers"])
        merge_slashes(scope)
        started = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = scope.get(HEADERS, ())
                message["headers"] = [*message["headers"], *own, (b"x-request-id", request_id)]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if status:  # too late to answer: the server cuts the connection
                log.exception("failed while answering", extra={"path": scope["path"]})
                raise
            failure = translated(error, scope, request_id)
            answer = self._page(scope, failure) or render(failure)
            await answer(scope, receive, watched)
        finally:
            if self._note:
                self._note(
                    access_line(
                        scope.get("client"),
                        scope["method"],
                        scope["path"],
                        status,
                        started,
                        request_id,
                    )
                )


_process = str(uuid.uuid4())[:24].encode()
_numbers = itertools.count(uuid.uuid4().int >> 88)


def id_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The client's ``X-Request-ID``, or a new one."""
    return own_id(headers) or new_id()


def own_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    for name, value in headers:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return bytes(value)
    return None


def new_id() -> bytes:
    """What looks like a UUID and costs less."""
    return b"%b%012x" % (_process, next(_numbers) % 2**48)


def keep_slashes(scope: Scope) -> None:
    """Leave ``%2F`` in the path of a repository as it is, so that its name stays one segment.

    Most clients encode the slash twice, which comes to the same.
    """
    raw = scope.get("raw_path") or b""
    if b"%2" in raw and IN_REPOSITORY.match(raw):
        raw = SLASHES.sub("/", raw.partition(b"?")[0].decode("latin-1"))
        scope["path"] = unquote(ENCODED_SLASH.sub("%252F", raw))


def merge_slashes(scope: Scope) -> None:
    if "//" in scope["path"]:
        scope["path"] = SLASHES.sub("/", scope["path"])


def translated(error: Exception, scope: Scope, request_id: bytes) -> HarborError:
    """An unexpected failure as one that a caller may see; the rest goes to the log only."""
    if isinstance(error, HarborError):
        return error
    if isinstance(error, HTTPException):
        return own(error)
    # What the ORM raises wraps the driver's own error; the quick road raises it bare.
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", ""))
    if isinstance(error, IntegrityError) or code.startswith(CONSTRAINT):
        return Conflict("what this refers to was changed meanwhile; try again")
    if code in FULL:
        return InsufficientStorage("the registry's storage is full")
    if code in PASSING or code.startswith(LOST):
        return Unavailable("the registry is busy; try again in a moment", headers=RETRY)
    log.error(
        "unexpected failure",
        exc_info=error,
        extra={"path": scope["path"], "request_id": request_id.decode()},
    )
    return HarborError("internal server error")


def render(error: HarborError) -> Response:
    """The one place where an error becomes bytes."""
    return Response(wire.encode(error.body()), error.status, error.headers, wire.JSON)


def own(error: HTTPException) -> HarborError:
    """Starlette's 404 and 405 in our form."""
    kind = {404: NotFound, 405: MethodNotAllowed}.get(error.status_code, BadRequest)
    return kind(error.detail.lower(), headers=error.headers)


def access_line(
    client: tuple[str, int] | None,
    method: str,
    path: str,
    status: int,
    started: float,
    request_id: bytes,
) -> str:
    address = client[0] if client else "-"
    took_ms = (time.perf_counter() - started) * 1000
    shown = path.encode("unicode_escape").decode()
    return f'{address} "{method} {shown}" {status} {took_ms:.1f}ms {request_id.decode()}\n'
