"""Around every request: its id, its line in the log, and an answer whatever happens."""

import logging
import re
import time
import uuid
from collections.abc import Callable

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
HEADERS = "harbor.headers"  # in the scope: what every answer to this request carries
RETRY = {"Retry-After": "2"}
# PostgreSQL: could not serialize, deadlock; out of connections, shutting down.
PASSING = frozenset(("40001", "40P01", "53300", "57P01", "57P03"))
FULL = frozenset(("53100", "SQLITE_FULL"))


class Around:
    """The outermost layer: the app inside may raise whatever it likes."""

    def __init__(self, app: ASGIApp, note: Callable[[str], None] | None) -> None:
        self._app, self._note = app, note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = id_of(scope)
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
            await render(translated(error, scope, request_id))(scope, receive, watched)
        finally:
            if self._note:
                self._note(access_line(scope, status, started, request_id))


def id_of(scope: Scope) -> bytes:
    """The client's ``X-Request-ID``, or a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return bytes(value)
    return str(uuid.uuid4()).encode()


def merge_slashes(scope: Scope) -> None:
    if "//" in scope["path"]:
        scope["path"] = SLASHES.sub("/", scope["path"])


def translated(error: Exception, scope: Scope, request_id: bytes) -> HarborError:
    """An unexpected failure as one that a caller may see; the rest goes to the log only."""
    if isinstance(error, HarborError):
        return error
    if isinstance(error, HTTPException):
        return own(error)
    if isinstance(error, IntegrityError):
        return Conflict("what this refers to was changed meanwhile; try again")
    # What the ORM raises wraps the driver's own error; what quick.py reads raises it bare.
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", ""))
    if code in FULL:
        return InsufficientStorage("the registry's storage is full")
    if code in PASSING or code.startswith("SQLITE_BUSY"):
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


def access_line(scope: Scope, status: int, started: float, request_id: bytes) -> str:
    client = scope.get("client") or ("-", 0)
    took_ms = (time.perf_counter() - started) * 1000
    path = scope["path"].encode("unicode_escape").decode()
    return (
        f'{client[0]} "{scope["method"]} {path}" {status} {took_ms:.1f}ms {request_id.decode()}\n'
    )
