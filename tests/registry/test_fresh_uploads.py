"""Uploads to which nothing was sent: their id says whose they are, and nothing is written."""

import asyncio
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from harbor.artifacts.schemas import Place
from harbor.artifacts.service.upload_ids import UploadIds
from harbor.core.settings import Settings
from tests.conftest import Start
from tests.make import ADMIN, add_member, error_of, make_project, make_user, sha256
from tests.registry.servers import Raw, Rows, ask, basic, in_server

DATA = b"0123456789"
DIGEST = sha256(DATA)
LARGE = DATA * 2_000
REPO = "library/app"
UNKNOWN = (404, "BLOB_UPLOAD_UNKNOWN")


def begin(client: TestClient, repo: str = REPO) -> str:
    started = client.post(f"/v2/{repo}/blobs/uploads/", auth=ADMIN)
    assert started.status_code == 202, started.text
    return str(started.headers["Location"])


def put(client: TestClient, location: str, data: bytes) -> int:
    done = client.put(location, params={"digest": sha256(data)}, content=data, auth=ADMIN)
    return int(done.status_code)


def files(settings: Settings) -> list[Path]:
    return list((settings.data / "uploads").iterdir())


def test_nothing_is_kept_before_something_is_sent(
    start: Start, settings: Settings, rows: Rows
) -> None:
    client = start()
    location = begin(client)
    assert client.get(location, auth=ADMIN).headers["Range"] == "0-0"
    assert client.patch(location, content=b"", auth=ADMIN).status_code == 202
    assert (files(settings), rows("SELECT id FROM blob_upload")) == ([], [])
    client.patch(location, content=DATA, auth=ADMIN)
    assert len(files(settings)) == 1
    assert rows("SELECT username FROM blob_upload") == [("admin",)]


@pytest.mark.parametrize("data", [b"", DATA, LARGE])
def test_every_process_knows_it_and_so_does_the_next(
    start: Start, data: bytes, settings: Settings, rows: Rows
) -> None:
    locations = [begin(start()) for _ in range(3)]
    for location, client in zip(locations, (start(), start(), start()), strict=True):
        assert client.get(location, auth=ADMIN).status_code == 204
        assert put(client, location, data) == 201
    assert (files(settings), rows("SELECT id FROM blob_upload")) == ([], [])
    found = start().get(f"/v2/{REPO}/blobs/{sha256(data)}", auth=ADMIN)
    assert found.content == data


@pytest.mark.parametrize("how", ["finished", "finished large", "cancelled", "refused", "continued"])
def test_what_is_over_is_over_in_every_process(start: Start, how: str) -> None:
    one, other = start(), start()
    location = begin(one)
    match how:
        case "finished":
            assert put(one, location, DATA) == 201
        case "finished large":
            assert put(one, location, LARGE) == 201
        case "cancelled":
            assert one.delete(location, auth=ADMIN).status_code == 204
        case "refused":
            wrong = {"digest": sha256(b"else")}
            refused = one.put(location, params=wrong, content=DATA, auth=ADMIN)
            assert error_of(refused) == (400, "DIGEST_INVALID")
        case "continued":
            assert one.patch(location, content=DATA[:4], auth=ADMIN).status_code == 202
            done = other.put(location, params={"digest": DIGEST}, content=DATA[4:], auth=ADMIN)
            assert done.status_code == 201
    for client in (other, one, start()):
        for method in ("GET", "PATCH", "DELETE"):
            assert error_of(client.request(method, location, auth=ADMIN)) == UNKNOWN
        assert put(client, location, DATA) == 404
        assert put(client, location, LARGE) == 404


def test_it_is_nobody_elses(shared: TestClient, repo: str) -> None:
    ann = make_user(shared, "fresh-ann")
    add_member(shared, repo.partition("/")[0], ann, 2)
    location = begin(shared, repo)
    refused = shared.put(location, params={"digest": DIGEST}, content=DATA, auth=ann)
    assert error_of(refused) == UNKNOWN
    assert error_of(shared.get(location, auth=ann)) == UNKNOWN
    assert put(shared, location, DATA) == 201


def test_it_is_of_no_other_repository(shared: TestClient, repo: str) -> None:
    make_project(shared, "z" + repo.partition("/")[0])
    location = begin(shared, repo)
    for elsewhere in (location.replace("/v2/", "/v2/z"), location.replace("/blobs", "x/blobs")):
        assert put(shared, elsewhere, DATA) == 404
    assert put(shared, location, DATA) == 201


def test_an_id_that_was_never_given_is_unknown(shared: TestClient, repo: str) -> None:
    location = begin(shared, repo)
    for place in range(32):
        at = len(location) - 1 - place
        forged = location[:at] + ("0" if location[at] != "0" else "1") + location[at + 1 :]
        assert put(shared, forged, DATA) == 404
    assert put(shared, location, DATA) == 201


def test_another_key_gives_other_ids() -> None:
    place = Place(1, REPO)
    ours, theirs = UploadIds(b"ours", 3600), UploadIds(b"theirs", 3600)
    upload_id = ours.new(place, "ann")
    assert ours.is_fresh(upload_id, place, "ann")
    assert not theirs.is_fresh(upload_id, place, "ann")
    assert not ours.is_fresh(upload_id, Place(2, REPO), "ann")
    assert len({ours.new(place, "ann") for _ in range(1000)}) == 1000


def test_a_client_that_leaves_a_small_upload_begins_it_again(
    start: Start, settings: Settings
) -> None:
    client = start()
    location = begin(client)
    length = (b"content-length", b"%d" % len(DATA))
    path = f"{location}?digest={DIGEST}"
    ask(client, "PUT", path, headers=[basic(), length], chunks=[DATA[:4]], leaves=True)
    assert client.get(location, auth=ADMIN).headers["Range"] == "0-0"
    assert files(settings) == []
    assert put(client, location, DATA) == 201


def test_of_two_that_finish_it_at_once_none_makes_half_a_blob(start: Start, rows: Rows) -> None:
    client = start()
    location = begin(client)

    async def both() -> list[int]:
        path = f"{location}?digest={DIGEST}".encode()
        length = (b"content-length", b"%d" % len(DATA))
        asked = [Raw("PUT", path, [basic(), length], [DATA]).run(client) for _ in range(2)]
        return sorted(answer.status_code for answer in await asyncio.gather(*asked))

    assert in_server(client, both) == [201, 404]
    assert client.get(f"/v2/{REPO}/blobs/{DIGEST}", auth=ADMIN).content == DATA
    assert rows("SELECT count(*) FROM blob") == [(1,)]
