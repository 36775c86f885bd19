"""Operations: declared once, here performed; described as OpenAPI 3.1 in ``openapi.py``."""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import (
    Any,
    Generic,
    Protocol,
    Required,
    TypedDict,
    TypeVar,
    Unpack,
    get_args,
    get_origin,
    get_type_hints,
)

from msgspec import Struct
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from harbor.core import i18n, wire
from harbor.core.db import Database
from harbor.core.errors import (
    BadRequest,
    Forbidden,
    HarborError,
    TooLarge,
    Unauthorized,
    Unprocessable,
)
from harbor.core.events import Events
from harbor.core.given import asked, body_of
from harbor.core.later import Later
from harbor.core.quick import Files, Pen, Rows, SessionPen
from harbor.core.security import NOBODY, Permission, Principal
from harbor.core.settings import MIB, Settings
from harbor.core.storage.interface import Store

T = TypeVar("T")
DEADLOCK = "40P01"  # PostgreSQL, Appendix A
READS = ("GET", "HEAD")
TRIES = 5  # of a transaction that ran into one
Handler = Callable[..., Awaitable[Any]]
Seen = dict[Any, Any]  # what a request that only reads has looked up, to be asked for once


class May(Protocol):
    """Says whether somebody may do something; the id of the project of that name, or ``None``."""

    async def __call__(
        self, who: Principal, wanted: Permission, name: str, seen: Seen | None = None
    ) -> int | None: ...


@dataclass(frozen=True)
class Created:
    """The answer 201: a ``Location``, relative to the host, and no body."""

    location: str


@dataclass(frozen=True)
class Page(Generic[T]):
    """The answer to a list: a JSON array, ``X-Total-Count``, and ``Link`` where pages follow."""

    items: Sequence[T]
    total: int


@dataclass(frozen=True)
class View:
    """The answer to a browser: a template and the one object it shows, within the frame."""

    template: str
    page: object
    status: int = 200


@dataclass(frozen=True)
class Audit:
    """A line of the audit log, filled from the arguments of the operation."""

    operation: str  # create, delete, pull, update
    resource_type: str
    resource: str  # "{body.project_name}"


class Done(Struct, frozen=True):
    """What became of one row of a batch."""

    resource: str
    succeeded: bool
    project_id: int | None


class AuditLine(Struct, frozen=True):
    """What happened, as ``record`` is told."""

    principal: Principal
    operation: str
    resource_type: str
    resource: str
    succeeded: bool
    project_id: int | None


@dataclass(frozen=True, kw_only=True)
class Op:
    """One operation: all that the server, the documentation and the tests need to know of it."""

    method: str
    path: str
    handler: Handler
    allow: Permission  # who may call it; deliberately without a default
    status: int = 200
    fails: tuple[type[HarborError], ...] = ()
    audit: Audit | None = None
    stream: bool = False  # bytes may flow for long, so no transaction is held open meanwhile
    read_only_ok: bool = False  # allowed although it writes and the registry is in read-only mode
    max_body: int = 4 * MIB  # bytes; a streaming operation has no limit
    id: str = ""  # the operationId, where it is not the handler's name in camelCase
    tag: str = ""
    page: bool = False  # for browsers: it is no part of the API, and its errors are pages too
    failing: tuple[int, Any] | None = None  # a status that comes with something else than errors
    nameless: bool = False  # credentials are not looked at: it answers although that may not work

    @cached_property
    def types(self) -> dict[str, Any]:
        """What the handler takes and returns, read from its signature."""
        hints = get_type_hints(self.handler, include_extras=True)
        result = hints["return"]
        if get_origin(result) is Page:
            hints["return"] = list.__class_getitem__(get_args(result)[0])
        return {name: hint for name, hint in hints.items() if name != "ctx"}

    @property
    def failures(self) -> Iterator[type[HarborError]]:
        """The errors a caller may see: those that follow from the declaration, then those in it."""
        given = self.types.keys() - {"return"}
        if "body" in given:
            yield from (BadRequest, TooLarge)
        if given:
            yield Unprocessable
        if self.allow.scope != "public":
            yield Unauthorized
        if self.allow.scope in ("self", "system", "project") and self.tag != "registry":
            yield Forbidden
        yield from self.fails


class Declared(TypedDict, total=False):
    """What a room declares of an operation; the meaning and the defaults are in ``Op``."""

    allow: Required[Permission]
    status: int
    fails: tuple[type[HarborError], ...]
    audit: Audit
    stream: bool
    read_only_ok: bool
    max_body: int
    id: str
    failing: tuple[int, Any]
    nameless: bool


@dataclass
class Routes:
    """A room's table of operations, filled by decorating its handlers."""

    prefix: str = ""
    tag: str = ""
    pages: bool = False
    ops: list[Op] = field(default_factory=list)

    def on(
        self, method: str, path: str, **declared: Unpack[Declared]
    ) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            place = self.prefix + path
            op = Op(method=method, path=place, handler=handler, tag=self.tag, **declared)
            self.ops.append(replace(op, page=self.pages))
            return handler

        return add


@dataclass(frozen=True)
class Wiring:
    """What every operation shares, and the decisions that core leaves to rooms."""

    db: Database
    store: Store
    settings: Settings
    later: Later
    authenticate: Callable[[Request], Awaitable[Principal]]
    authorize: Callable[["Ctx", Op], Awaitable[None]]
    may: May
    may_in: Callable[[Principal, Permission, Collection[str]], Awaitable[frozenset[str]]]
    record: Callable[[Pen, AuditLine], Awaitable[None]]
    show: Callable[["Ctx", View], Awaitable[Response]]
    show_error: Callable[["Ctx", HarborError], Awaitable[Response]]
    events: Events
    things: dict[type, object] = field(default_factory=dict)
    # What was not found may have another name now; says so in place of the error.
    elsewhere: Callable[["Ctx", HarborError], Awaitable[HarborError]] | None = None


@dataclass
class Ctx:
    """What a handler may touch: the request, the caller, and one transaction."""

    request: Request
    wiring: Wiring
    principal: Principal = NOBODY
    transaction: AsyncSession | None = None
    project_id: int | None = None  # of the project in the path, once the caller is let in
    subject: str | None = None  # what the audit line is about, where the arguments do not say
    batch: list[Done] = field(default_factory=list)  # an audit line for each, in place of the one
    op: Op | None = None
    seen: Seen | None = None  # None where something may change meanwhile
    given: dict[str, Any] = field(default_factory=dict)  # the handler's arguments

    @property
    def session(self) -> AsyncSession:
        if self.transaction is None:
            raise RuntimeError("a streaming operation opens its own short transactions")
        return self.transaction

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """The transaction of this operation, with its audit line as the last thing in it.

        A streaming operation opens it itself, once, when the slow part is over.
        """
        async with self.db.writing() as self.transaction:
            yield self.session
            await self.record(SessionPen(self.session), succeeded=True)

    async def write(self, rows: Rows[T], *, files: Files | None = None) -> T:
        """The same on the quick road (``Quick.write``), for a streaming operation."""

        async def with_line(pen: Pen) -> T:
            result = await rows(pen)
            await self.record(pen, succeeded=True)
            return result

        return await self.db.quick.write(with_line, files=files)

    async def tell(self, event: object) -> None:
        """Tell the rooms above, within this operation's transaction."""
        await self.wiring.events.tell(SessionPen(self.session), event)

    async def record(self, pen: Pen, *, succeeded: bool) -> None:
        """Write the audit line that the operation declares, if it declares one."""
        audit = self.op.audit if self.op else None
        if audit is None:
            return
        subject = self.subject or audit.resource.format(**self.given)
        kind = audit.resource_type.format(**self.given)
        for each in self.batch or [Done(subject, succeeded, self.project_id)]:
            line = AuditLine(
                self.principal,
                audit.operation,
                kind,
                each.resource,
                succeeded and each.succeeded,
                each.project_id,
            )
            await self.wiring.record(pen, line)

    @property
    def db(self) -> Database:
        return self.wiring.db

    @property
    def store(self) -> Store:
        return self.wiring.store

    @property
    def settings(self) -> Settings:
        return self.wiring.settings

    @property
    def known_project_id(self) -> int:
        """The id of the project in the path; authorizing found it."""
        if self.project_id is None:
            raise RuntimeError("only an operation with allow=project(...) has a project")
        return self.project_id

    def the(self, kind: type[T]) -> T:
        """The one object of *kind* that the building put at its rooms' disposal."""
        found = self.wiring.things[kind]
        assert isinstance(found, kind)
        return found


async def perform(op: Op, request: Request, wiring: Wiring) -> Response:
    """Authenticate, authorize, decode, do, record, commit: the same steps for every operation.

    The body is read before the transaction begins: a slow client holds no lock.
    """
    ctx = Ctx(request, wiring, op=op, seen={} if op.method in READS and not op.stream else None)
    if op.page:
        i18n.reader.set(i18n.reader_of(request.cookies, request.headers.get("accept-language", "")))
    try:
        if not op.nameless:
            ctx.principal = await wiring.authenticate(request)
        await wiring.authorize(ctx, op)
        ctx.given = await read(op, request)
        if op.stream:
            answer = respond(op, request, await op.handler(ctx, **ctx.given))
        elif op.method in READS:
            async with wiring.db.reading() as ctx.transaction:
                answer = respond(op, request, await op.handler(ctx, **ctx.given))
        else:
            answer = await change(ctx, op)
        return await wiring.show(ctx, answer) if isinstance(answer, View) else answer
    except HarborError as error:
        if op.audit and ctx.given:
            await wiring.db.quick.write(partial(ctx.record, succeeded=False))
        told = await wiring.elsewhere(ctx, error) if wiring.elsewhere else error
        if op.page:
            return await wiring.show_error(ctx, told)
        raise told from error.__cause__


async def change(ctx: Ctx, op: Op) -> Response | View:
    """What the operation answers, in a transaction that is committed.

    Of those that would wait for each other for ever, PostgreSQL ends one, which begins again.
    """
    subject, project_id = ctx.subject, ctx.project_id
    for left in reversed(range(TRIES)):
        try:
            async with ctx.writing() as ctx.transaction:
                return respond(op, ctx.request, await op.handler(ctx, **ctx.given))
        except DBAPIError as error:
            if not left or getattr(error.orig, "sqlstate", "") != DEADLOCK:
                raise
        ctx.subject, ctx.project_id, ctx.batch = subject, project_id, []
    raise AssertionError("the last try returns or raises")


async def read(op: Op, request: Request) -> dict[str, Any]:
    """Turn the request into the handler's arguments, or refuse it."""
    given: dict[str, Any] = {}
    for name, kind in op.types.items():
        if name == "body":
            given[name] = wire.decode(await body_of(request, op.max_body), kind)
        elif name == "raw":
            given[name] = await body_of(request, op.max_body)
        elif name == "form":
            given[name] = wire.form(await body_of(request, op.max_body), kind)
        elif name == "query":
            given[name] = wire.parameters(asked(request), kind)
        elif name != "return":
            given[name] = wire.parameter(request.path_params[name], kind)
    return given


def respond(op: Op, request: Request, result: object) -> Response | View:
    """Turn what the handler returned into bytes; a view is shown after the transaction."""
    match result:
        case Response() | View():
            return result
        case None:
            return Response(status_code=op.status)
        case Created(location):
            return Response(status_code=201, headers={"Location": location})
        case Page(items, total):
            headers = {"X-Total-Count": str(total), **wire.links(request.url, total)}
            return Response(wire.encode(items), op.status, headers, wire.JSON)
    return Response(wire.encode(result), op.status, media_type=wire.JSON)
