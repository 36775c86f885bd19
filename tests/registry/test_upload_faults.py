"""Uploads that meet a limit, a full disk, another request, or a client that goes away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from harbor.app import Building
from harbor.core.oci import Digest
from harbor.core.settings import Settings
from harbor.core.storage.filesystem import FileStore
from harbor.core.storage.interface import UploadInUse
from harbor.core.storage.memory import MemoryStore
from tests.conftest import Start
from tests.make import (
    ADMIN,
    add_member,
    error_of,
    make_project,
    make_user,
    message_of,
    push_blob,
    sha256,
)
from tests.registry.servers import Answer, Raw, Rows, ask, basic, in_server

DATA = b"0123456789"
DIGEST = sha256(DATA)
REPO = "library/app"
UPLOADS = f"/v2/{REPO}/blobs/uploads/"


def begin(client: TestClient, repo: str = REPO, **more: Any) -> str:
    started = client.post(f"/v2/{repo}/blobs/uploads/", **({"auth": ADMIN} | more))
    assert started.status_code == 202, started.text
    return str(started.headers["Location"])


def files(settings: Settings) -> list[Path]:
    """What lies in the folder of unfinished uploads."""
    return list((settings.data / "uploads").iterdir())


def test_unfinished_uploads_are_limited_for_each_account(start: Start, settings: Settings) -> None:
    client = start(open_uploads_per_user=2)
    ann = make_user(client, "ann")
    add_member(client, "library", ann, 2)
    first, second, third = begin(client), begin(client), begin(client)
    for location in (first, second):  # begun is what something was sent to
        assert client.patch(location, content=DATA[:1], auth=ADMIN).status_code == 202
    refused = client.patch(third, content=DATA, auth=ADMIN)
    assert error_of(refused) == (429, "TOO_MANY_REQUEST")
    refused = client.post(UPLOADS, auth=ADMIN)
    assert error_of(refused) == (429, "TOO_MANY_REQUEST")
    assert "2 unfinished uploads" in message_of(refused)
    at_once = client.post(UPLOADS, params={"digest": DIGEST}, content=DATA, auth=ADMIN)
    assert at_once.status_code == 429
    anns = begin(client, auth=ann)
    assert client.patch(anns, content=DATA, auth=ann).status_code == 202
    done = client.put(third, params={"digest": DIGEST}, content=DATA, auth=ADMIN)
    assert done.status_code == 201  # small, and whole
    assert client.delete(first, auth=ADMIN).status_code == 204
    begin(client)
    done = client.put(second, params={"digest": DIGEST}, content=DATA[1:], auth=ADMIN)
    assert done.status_code == 201
    assert len(files(settings)) == 1  # what was refused left nothing behind


def test_what_needs_no_upload_is_not_limited(start: Start) -> None:
    client = start(open_uploads_per_user=1)
    push_blob(client, REPO, DATA)
    assert client.patch(begin(client), content=DATA, auth=ADMIN).status_code == 202
    asked = {"mount": DIGEST, "from": REPO}
    assert client.post("/v2/library/b/blobs/uploads/", params=asked, auth=ADMIN).status_code == 201


def test_a_full_store_refuses_an_upload_and_forgets_it(start: Start, rows: Rows) -> None:
    client = start(store=MemoryStore(capacity=8))
    location = begin(client)
    assert client.patch(location, content=DATA[:6], auth=ADMIN).status_code == 202
    refused = client.patch(location, content=DATA[6:], auth=ADMIN)
    assert error_of(refused) == (507, "INSUFFICIENT_STORAGE")
    assert error_of(client.get(location, auth=ADMIN)) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert rows("SELECT id FROM blob_upload") == []
    assert push_blob(client, REPO, b"small") == sha256(b"small")


@pytest.mark.parametrize("params", [{}, {"digest": DIGEST}])
def test_uploads_stop_before_the_disk_is_full(
    start: Start, settings: Settings, rows: Rows, params: dict[str, str]
) -> None:
    client = start(disk_reserve=2**62)
    refused = client.post(UPLOADS, params=params, content=DATA, auth=ADMIN)
    assert error_of(refused) == (507, "INSUFFICIENT_STORAGE")
    assert str(settings.data) not in refused.text
    assert rows("SELECT id FROM blob_upload") == []
    assert client.get("/v2/_catalog", auth=ADMIN).status_code == 200


@pytest.mark.parametrize("kept", [0, 4])
def test_a_client_that_goes_away_finds_its_bytes_again(
    shared: TestClient, repo: str, kept: int
) -> None:
    location = begin(shared, repo)
    pieces = [DATA[:kept]] if kept else []
    answer = ask(shared, "PATCH", location, headers=[basic()], chunks=pieces, leaves=True)
    assert answer == Answer()
    status = shared.get(location, auth=ADMIN)
    assert status.headers["Range"] == f"0-{max(kept - 1, 0)}"
    done = shared.put(location, params={"digest": DIGEST}, content=DATA[kept:], auth=ADMIN)
    assert done.status_code == 201


def test_a_client_that_goes_away_before_the_end_has_finished_nothing(
    shared: TestClient, repo: str
) -> None:
    location = begin(shared, repo)
    path = f"{location}?digest={sha256(DATA[:4])}"
    ask(shared, "PUT", path, headers=[basic()], chunks=[DATA[:4]], leaves=True)
    digest = sha256(DATA[:4])
    assert shared.head(f"/v2/{repo}/blobs/{digest}", auth=ADMIN).status_code == 404
    assert shared.get(location, auth=ADMIN).headers["Range"] == "0-3"
    finished = shared.put(location, params={"digest": DIGEST}, content=DATA[4:], auth=ADMIN)
    assert finished.status_code == 201


async def two_at_once(client: TestClient, location: str) -> Answer:
    """The answer to a PATCH while another one has sent a part of its bytes and waits."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow_body() -> AsyncIterator[Message]:
        yield {"type": "http.request", "body": DATA[:4], "more_body": True}
        begun.set()
        await go_on.wait()
        yield {"type": "http.request", "body": DATA[4:], "more_body": False}

    slow, body = Raw("PATCH", location.encode(), [basic()]), slow_body()

    async def receive() -> Message:
        return await anext(body)

    async def send(message: Message) -> None:
        slow.sent.append(message)

    first = asyncio.ensure_future(client.app(slow.scope(), receive, send))
    await begun.wait()
    second = await Raw("PATCH", location.encode(), [basic()], [b"x"]).run(client)
    go_on.set()
    await first
    assert slow.answer().status_code == 202
    assert slow.answer().headers["range"] == "0-9"
    return second


def test_two_requests_do_not_write_to_one_upload_at_once(start: Start, settings: Settings) -> None:
    client = start(store=FileStore(settings.data, reserve=0, patience_s=0.1))
    location = begin(client)
    refused = in_server(client, two_at_once, client, location)
    assert refused.status_code == 409
    assert b"BLOB_UPLOAD_INVALID" in refused.content
    done = client.put(location, params={"digest": DIGEST}, auth=ADMIN)
    assert done.status_code == 201


def test_a_finished_upload_leaves_one_file_and_no_row(
    start: Start, settings: Settings, rows: Rows
) -> None:
    client = start()
    push_blob(client, REPO, DATA)
    assert files(settings) == []
    assert rows("SELECT id FROM blob_upload") == []
    kept = [path for path in (settings.data / "blobs").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [DATA]


def test_an_upload_whose_file_is_lost_is_unknown(start: Start, settings: Settings) -> None:
    client = start()
    location = begin(client)
    assert client.patch(location, content=DATA, auth=ADMIN).status_code == 202
    for file in files(settings):
        file.unlink()
    assert error_of(client.get(location, auth=ADMIN)) == (404, "BLOB_UPLOAD_UNKNOWN")
    answer = client.put(location, params={"digest": DIGEST}, content=DATA, auth=ADMIN)
    assert error_of(answer) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_large_stream_arrives_whole(shared: TestClient, repo: str) -> None:
    pieces = [bytes([n % 251]) * 100_000 for n in range(60)]
    location = begin(shared, repo)
    answer = ask(shared, "PATCH", location, headers=[basic()], chunks=pieces)
    assert answer.headers["range"] == "0-5999999"
    digest = sha256(b"".join(pieces))
    assert shared.put(location, params={"digest": digest}, auth=ADMIN).status_code == 201
    assert shared.get(f"/v2/{repo}/blobs/{digest}", auth=ADMIN).content == b"".join(pieces)


def test_uploads_of_one_project_do_not_show_in_another(shared: TestClient, repo: str) -> None:
    make_project(shared, "x" + repo.partition("/")[0])
    location = begin(shared, repo)
    assert shared.get(location.replace("/v2/", "/v2/x"), auth=ADMIN).status_code == 404


def test_an_upload_may_wander_between_servers(start: Start) -> None:
    """Each keeps in mind how far it has hashed; the others write meanwhile."""
    one, two = start(), start()
    location = begin(one)
    for number, byte in enumerate(DATA):
        client = two if number % 3 else one
        answer = client.patch(location, content=bytes([byte]), auth=ADMIN)
        assert (answer.status_code, answer.headers["Range"]) == (202, f"0-{number}")
    assert one.put(location, params={"digest": DIGEST}, auth=ADMIN).status_code == 201
    assert two.get(f"/v2/{REPO}/blobs/{DIGEST}", auth=ADMIN).content == DATA
    assert two.get(location, auth=ADMIN).status_code == 404


@pytest.mark.parametrize(("times", "status"), [(1, 201), (3, 409)])
def test_who_looks_in_while_it_is_published_does_not_keep_it_from_that(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, times: int, status: int
) -> None:
    building = client.app
    assert isinstance(building, Building)
    publish = building.store.publish
    met: list[Digest] = []

    async def busy(upload_id: str, digest: Digest) -> None:
        met.append(digest)
        if len(met) <= times:
            raise UploadInUse
        await publish(upload_id, digest)

    monkeypatch.setattr(building.store, "publish", busy)
    place = begin(client)
    assert client.patch(place, content=DATA[:5], auth=ADMIN).status_code == 202
    done = client.put(place, params={"digest": DIGEST}, content=DATA[5:], auth=ADMIN)
    assert done.status_code == status
    # Nothing is lost: who was refused says again that it is whole.
    if status == 409:
        assert client.put(place, params={"digest": DIGEST}, auth=ADMIN).status_code == 201
