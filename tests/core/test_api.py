"""The kernel, with operations of this file's own on a real database."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Router
from starlette.testclient import TestClient
from starlette.types import Message

from harbor.audit.service import AuditTrail, Syslog
from harbor.configuration.service import Configuration
from harbor.core import web, wire
from harbor.core.api import Audit, Created, Ctx, Op, Page, Routes, Seen, Wiring
from harbor.core.crypto import Box
from harbor.core.db import Database
from harbor.core.errors import Conflict, Forbidden, NotFound, TooLarge, Unauthorized, Unprocessable
from harbor.core.events import Events
from harbor.core.later import Later
from harbor.core.routing import Operations, planned
from harbor.core.security import NOBODY, Permission, Principal, anyone, signed_in, system
from harbor.core.settings import Settings
from harbor.core.storage.memory import MemoryStore
from harbor.portal import frame
from harbor.projects.models import ProjectMetadata
from tests.conftest import opened
from tests.make import error_of, message_of
from tests.registry.servers import Raw, Rows, in_server

routes = Routes(prefix="/t", tag="test")
LINES = """SELECT operation, resource_type, resource, username, operation_result
           FROM audit_log_ext ORDER BY id"""
KEPT = "SELECT name FROM project_metadata WHERE name <> 'public' ORDER BY name"


class Body(Struct):
    name: Annotated[str, Meta(max_length=10)]
    fail: bool = False


class Query(wire.Paging):
    wanted: str = ""


class Thing(Struct):
    name: str


async def keep(ctx: Ctx, name: str) -> None:
    row = {"project_id": 1, "name": name, "value": "x"}
    await ctx.session.execute(insert(ProjectMetadata), [row])


@routes.on("POST", "/things", allow=signed_in, status=201, fails=(Conflict,),
           audit=Audit("create", "thing", "{body.name}"))  # fmt: skip
async def create_thing(ctx: Ctx, body: Body) -> Created:
    """Keep a thing."""
    await keep(ctx, body.name)
    if body.fail:
        raise Conflict("no")
    return Created(f"/t/things/{body.name}")


class Ended(Exception):
    """As the driver says that a transaction was ended, since two waited for each other."""

    sqlstate = "40P01"


@routes.on("POST", "/quarrels", allow=signed_in, status=201, audit=Audit("create", "thing", "it"))
async def quarrel(ctx: Ctx, body: Body) -> Created:
    """Keep a thing, at the third try; never if it is to fail."""
    tries = ctx.request.scope["tries"] = ctx.request.scope.get("tries", 0) + 1
    await keep(ctx, f"{body.name}{tries}")
    if body.fail or tries < 3:
        raise DBAPIError("UPDATE", None, Ended())
    return Created(f"/t/things/{body.name}")


@routes.on("GET", "/things", allow=anyone)
async def list_things(ctx: Ctx, query: Query) -> Page[Thing]:
    """List three things."""
    names = ["a", "b", "c"][query.offset : query.offset + query.page_size]
    return Page([Thing(name) for name in names], 3)


@routes.on("GET", "/things/{number}", allow=anyone, fails=(NotFound,))
async def get_thing(ctx: Ctx, number: wire.Id) -> Thing:
    """Show one thing."""
    if number > 10:
        raise NotFound(f"thing {number} not found")
    return Thing(str(number))


@routes.on("GET", "/careless", allow=anyone)
async def write_while_reading(ctx: Ctx) -> None:
    """Keep a thing where nothing may change."""
    await keep(ctx, "read")


@routes.on("PUT", "/things/{number}", allow=signed_in, audit=Audit("update", "thing", "{number}"))
async def change_thing(ctx: Ctx, number: wire.Id, body: Body) -> None:
    """Say something else to the audit log."""
    ctx.subject = f"thing called {body.name}"


@routes.on("DELETE", "/things/{number}", allow=system("thing", "delete"), status=202)
async def delete_thing(ctx: Ctx, number: wire.Id) -> Response:
    """Answer with a response of its own."""
    return PlainTextResponse("deleted", 202)


@routes.on("POST", "/raw", allow=anyone, max_body=100)
async def take_raw(ctx: Ctx, raw: bytes) -> Thing:
    """Count bytes."""
    return Thing(str(len(raw)))


@routes.on("POST", "/stream", allow=anyone, stream=True, audit=Audit("create", "stream", "x"))
async def take_stream(ctx: Ctx) -> Thing:
    """Take bytes first, and a transaction afterwards."""
    try:
        ctx.session  # noqa: B018, that it raises is the point
    except RuntimeError as error:
        said = str(error)
    body = await ctx.request.body()
    async with ctx.writing():
        await keep(ctx, body.decode())
    return Thing(said)


@routes.on("GET", "/fixed/first", allow=anyone)
async def get_first(ctx: Ctx) -> Thing:
    """Go before a parameter."""
    return Thing("fixed")


@routes.on("GET", "/fixed/{number}", allow=anyone)
async def get_other(ctx: Ctx, number: str) -> Thing:
    """Come after what is fixed."""
    return Thing(number)


async def authenticate(request: Request) -> Principal:
    name = request.headers.get("x-who", "")
    return Principal(name, user_id=7, is_admin=name == "admin") if name else NOBODY


async def authorize(ctx: Ctx, op: Op) -> None:
    who, scope = ctx.principal, op.allow.scope
    if scope == "public" or who.is_admin or (scope == "signed-in" and who.known):
        return
    raise Forbidden("no") if who.known else Unauthorized("who?")


async def may(
    who: Principal, wanted: Permission, name: str, seen: Seen | None = None
) -> int | None:
    return None


async def may_in(who: Principal, wanted: Permission, names: Collection[str]) -> frozenset[str]:
    return frozenset()


@pytest.fixture
def things(database_url: str, tmp_path: Any) -> Iterator[TestClient]:
    db = Database(database_url)

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        yield
        await db.close()

    wiring = Wiring(
        db=db,
        store=MemoryStore(),
        settings=Settings(data_dir=str(tmp_path)),
        later=Later(db),
        authenticate=authenticate,
        authorize=authorize,
        may=may,
        may_in=may_in,
        record=AuditTrail(Configuration(db, Box("secret")), Syslog()).record,
        show=frame.show,
        show_error=frame.show_error,
        events=Events(),
    )
    router = Router([Operations(planned(routes.ops), wiring)], lifespan=lifespan)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await router({**scope, "app": router}, receive, send)

    with TestClient(web.Around(app, None), follow_redirects=False) as client:
        yield client


ANN = {"X-Who": "ann"}


def test_a_creation_says_where_and_is_audited(things: TestClient, rows: Rows) -> None:
    answer = things.post("/t/things", json={"name": "one"}, headers=ANN)
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/t/things/one"
    assert answer.content == b""
    assert rows(KEPT) == [("one",)]
    assert rows(LINES) == [("create", "thing", "one", "ann", True)]


def test_a_failure_keeps_nothing_but_its_line_in_the_audit_log(
    things: TestClient, rows: Rows
) -> None:
    answer = things.post("/t/things", json={"name": "one", "fail": True}, headers=ANN)
    assert error_of(answer) == (409, "CONFLICT")
    assert rows(KEPT) == []
    assert [(*line[:4], bool(line[4])) for line in rows(LINES)] == [
        ("create", "thing", "one", "ann", False)
    ]


def test_a_transaction_that_waited_for_another_begins_again(things: TestClient, rows: Rows) -> None:
    assert things.post("/t/quarrels", json={"name": "one"}, headers=ANN).status_code == 201
    assert rows(KEPT) == [("one3",)]
    assert rows(LINES) == [("create", "thing", "it", "ann", True)]
    never = things.post("/t/quarrels", json={"name": "two", "fail": True}, headers=ANN)
    assert error_of(never) == (503, "SERVICE_UNAVAILABLE")
    assert never.headers["Retry-After"]
    assert rows(KEPT) == [("one3",)]


def test_who_is_refused_is_not_read_and_not_audited(things: TestClient, rows: Rows) -> None:
    assert error_of(things.post("/t/things", content=b"{")) == (401, "UNAUTHORIZED")
    assert error_of(things.delete("/t/things/x", headers=ANN)) == (403, "FORBIDDEN")
    assert rows(LINES) == []


def test_a_handler_may_say_what_its_line_is_about(things: TestClient, rows: Rows) -> None:
    answer = things.put("/t/things/5", json={"name": "new"}, headers=ANN)
    assert (answer.status_code, answer.content) == (200, b"")
    assert [line[2] for line in rows(LINES)] == ["thing called new"]


def test_an_answer_of_the_handlers_own_is_sent_as_it_is(things: TestClient) -> None:
    answer = things.delete("/t/things/5", headers={"X-Who": "admin"})
    assert (answer.status_code, answer.text) == (202, "deleted")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_to_head_has_no_body(things: TestClient, method: str) -> None:
    answer = things.request(method, "/t/things/5")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.content == (b'{"name":"5"}' if method == "GET" else b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_read_writes_nothing(things: TestClient, rows: Rows, method: str) -> None:
    assert things.request(method, "/t/careless").status_code == 500
    assert rows(KEPT) == []


def test_a_list_comes_with_its_total_and_its_links(things: TestClient) -> None:
    answer = things.get("/t/things", params={"page": 2, "page_size": 1})
    assert answer.json() == [{"name": "b"}]
    assert answer.headers["X-Total-Count"] == "3"
    assert answer.headers["Link"] == (
        '</t/things?page=1&page_size=1>; rel="prev" , </t/things?page=3&page_size=1>; rel="next"'
    )


@pytest.mark.parametrize("path", ["/t/things", "/t/things/"])
def test_a_path_may_end_in_a_slash(things: TestClient, path: str) -> None:
    assert things.get(path).status_code == 200


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/t/things/x", (422, "UNPROCESSABLE_ENTITY")),
        ("/t/things/-1", (422, "UNPROCESSABLE_ENTITY")),
        ("/t/things/99999999999", (422, "UNPROCESSABLE_ENTITY")),
        ("/t/things/5%00", (422, "UNPROCESSABLE_ENTITY")),
        ("/t/things/11", (404, "NOT_FOUND")),
        ("/t/things?page=x", (422, "UNPROCESSABLE_ENTITY")),
        ("/t/things?page=0", (422, "UNPROCESSABLE_ENTITY")),
        ("/t/things?page_size=101", (422, "UNPROCESSABLE_ENTITY")),
        ("/t/things?wanted=a%00", (422, "UNPROCESSABLE_ENTITY")),
        ("/t/nothing", (404, "NOT_FOUND")),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(
    things: TestClient, path: str, expected: tuple[int, str]
) -> None:
    assert error_of(things.get(path)) == expected


def test_what_nobody_asked_for_is_ignored(things: TestClient) -> None:
    assert things.get("/t/things", params={"other": "x"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "BAD_REQUEST")),
        (b"{", (400, "BAD_REQUEST")),
        (b"\xff", (400, "BAD_REQUEST")),
        (b"[" * 10_000, (422, "UNPROCESSABLE_ENTITY")),
        (b"{}", (422, "UNPROCESSABLE_ENTITY")),
        (b"[]", (422, "UNPROCESSABLE_ENTITY")),
        (b'{"name": 5}', (422, "UNPROCESSABLE_ENTITY")),
        (b'{"name": "12345678901"}', (422, "UNPROCESSABLE_ENTITY")),
        (b'{"name": "a\\u0000"}', (422, "UNPROCESSABLE_ENTITY")),
    ],
)
def test_a_body_that_does_not_fit_is_refused(
    things: TestClient, rows: Rows, body: bytes, expected: tuple[int, str]
) -> None:
    answer = things.post("/t/things", content=body, headers=ANN)
    assert error_of(answer) == expected
    assert "body" in message_of(answer)
    assert rows(KEPT) == []


@pytest.mark.parametrize(("nbytes", "status"), [(0, 200), (100, 200), (101, 413)])
def test_a_body_has_a_limit(things: TestClient, nbytes: int, status: int) -> None:
    assert things.post("/t/raw", content=nbytes * b"x").status_code == status
    streamed = (b"x" for _ in range(nbytes))
    assert things.post("/t/raw", content=streamed).status_code == status


def test_a_stream_opens_its_transaction_when_it_wants_to(things: TestClient, rows: Rows) -> None:
    answer = things.post("/t/stream", content=b"streamed")
    assert "opens its own short transactions" in answer.json()["name"]
    assert rows(KEPT) == [("streamed",)]
    assert [line[:4] for line in rows(LINES)] == [("create", "stream", "x", "anonymous")]


def test_what_is_fixed_goes_before_a_parameter(things: TestClient) -> None:
    assert things.get("/t/fixed/first").json() == {"name": "fixed"}
    assert things.get("/t/fixed/second").json() == {"name": "second"}


def test_what_was_changed_meanwhile_is_a_conflict(things: TestClient, rows: Rows) -> None:
    for status in (201, 409):
        answer = things.post("/t/things", json={"name": "same"}, headers=ANN)
        assert answer.status_code == status
    assert rows(KEPT) == [("same",)]


def test_an_operation_knows_how_it_may_fail() -> None:
    by_name = {op.handler.__name__: set(op.failures) for op in routes.ops}
    assert {Conflict, TooLarge, Unprocessable, Unauthorized} <= by_name["create_thing"]
    assert Forbidden not in by_name["create_thing"]
    assert by_name["delete_thing"] == {Unprocessable, Unauthorized, Forbidden}
    assert by_name["get_first"] == set()


def test_a_slow_body_holds_no_transaction(
    things: TestClient, database_url: str, rows: Rows
) -> None:
    """While one client's body is on its way, another one writes."""
    sent: list[Message] = []

    async def bodies() -> AsyncIterator[Message]:
        yield {"type": "http.request", "body": b'{"name": "slo', "more_body": True}
        async with asyncio.timeout(5), opened(database_url) as db, db.writing() as session:
            row = {"project_id": 1, "name": "quick", "value": "x"}
            await session.execute(insert(ProjectMetadata), [row])
        yield {"type": "http.request", "body": b'w"}', "more_body": False}

    async def run() -> None:
        body = bodies()

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"x-who", b"ann"), (b"host", b"test")]
        raw = Raw("POST", b"/t/things", headers)
        await things.app(raw.scope(), lambda: anext(body), send)

    in_server(things, run)
    assert sent[0]["status"] == 201
    assert rows(KEPT) == [("quick",), ("slow",)]
