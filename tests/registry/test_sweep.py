"""What is swept away, and what is not."""

import asyncio
import os
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.artifacts.models import Upload
from harbor.core import clock
from harbor.core.settings import Settings
from harbor.core.storage.filesystem import FileStore
from harbor.core.storage.memory import MemoryStore
from harbor.registry import jobs
from tests.conftest import Start, opened
from tests.make import ADMIN, error_of, push_blob, push_image, sha256, sha512
from tests.registry.servers import Rows, change, in_server, until

REPO = "library/app"
DAY_S = 24 * 3600
WEEK_S = 7 * DAY_S


def sweep(client: TestClient, *, upload_idle_s: int = WEEK_S) -> int:
    """How many were swept; a server sweeps when it starts, too, so it may find less to do."""
    building = client.app
    assert isinstance(building, Building)

    async def now() -> int:
        return await jobs.sweep(building.db, building.store, upload_idle_s=upload_idle_s)

    swept: int = in_server(client, now)
    return swept


def after(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let it be so much later."""
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(seconds=seconds))


def leftover(settings: Settings, data: bytes, *, digest: str = "", age_s: int = DAY_S) -> Path:
    """A blob's file that no row knows, as a kill before the commit leaves it."""
    algorithm, _, digits = (digest or sha256(data)).partition(":")
    folder = settings.data / "blobs" / algorithm / digits[:2]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / digits
    file.write_bytes(data)
    age(file, age_s)
    return file


def age(file: Path, age_s: int) -> None:
    then = time.time() - age_s
    os.utime(file, (then, then))


def begin(client: TestClient) -> str:
    started = client.post(f"/v2/{REPO}/blobs/uploads/", auth=ADMIN)
    assert started.status_code == 202
    return str(started.headers["Location"])


def file_of(settings: Settings, location: str) -> Path:
    return settings.data / "uploads" / location.rpartition("/")[2]


def idle(settings: Settings, location: str, *, for_s: int) -> None:
    """Let nobody have touched the upload for so long."""
    begun = clock.now() - timedelta(seconds=for_s)
    upload_id = location.rpartition("/")[2]
    change(settings.database, update(Upload).where(Upload.id == upload_id).values(started_at=begun))
    if file_of(settings, location).exists():
        age(file_of(settings, location), for_s)


def started(client: TestClient) -> str:
    """An upload to which something was sent."""
    location = begin(client)
    assert client.patch(location, content=b"x", auth=ADMIN).status_code == 202
    return location


def statuses(client: TestClient, *locations: str) -> list[int]:
    return [client.get(location, auth=ADMIN).status_code for location in locations]


def test_a_file_that_no_row_knows_is_removed(start: Start, settings: Settings) -> None:
    client = start()
    files = [leftover(settings, b"one"), leftover(settings, b"two", digest=sha512(b"two"))]
    sweep(client)
    assert not any(file.exists() for file in files)


def test_what_is_recorded_is_never_removed(start: Start, settings: Settings) -> None:
    client = start()
    image = push_image(client, REPO)
    spare = push_blob(client, REPO, b"spare")
    for file in (settings.data / "blobs").rglob("*"):
        if file.is_file():
            age(file, 10 * 365 * DAY_S)
    assert sweep(client, upload_idle_s=60) == 0
    for digest in (*map(sha256, image.blobs), spare):
        answer = client.get(f"/v2/{REPO}/blobs/{digest}", auth=ADMIN)
        assert sha256(answer.content) == digest


def test_a_blob_that_was_taken_out_everywhere_stays(start: Start, settings: Settings) -> None:
    """Its row is there; freeing its space is left to the collection of garbage."""
    client = start()
    digest = push_blob(client, REPO, b"spare")
    client.delete(f"/v2/{REPO}/blobs/{digest}", auth=ADMIN)
    assert sweep(client) == 0


def test_what_was_swept_can_be_pushed(start: Start, settings: Settings) -> None:
    client = start()
    leftover(settings, b"torn"[:2], digest=sha256(b"torn"))
    digest = push_blob(client, REPO, b"torn")
    assert sweep(client) == 0
    assert client.get(f"/v2/{REPO}/blobs/{digest}", auth=ADMIN).content == b"torn"


def test_other_files_are_left_alone(start: Start, settings: Settings) -> None:
    client = start()
    strange = [settings.data / "blobs" / "notes.txt", settings.data / "uploads" / "notes.txt"]
    shard = settings.data / "blobs" / "sha256" / "ab"
    shard.mkdir()
    strange.append(shard / "not-a-digest")
    for file in strange:
        file.write_text("mine")
        age(file, 10 * 365 * DAY_S)
    sweep(client)
    assert all(file.exists() for file in strange)


def test_an_idle_upload_is_forgotten(
    start: Start, settings: Settings, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start()
    old, young = started(client), started(client)
    idle(settings, old, for_s=WEEK_S + 60)
    sweep(client)
    assert not file_of(settings, old).exists()
    assert statuses(client, young) == [204]
    assert rows("SELECT count(*) FROM blob_upload") == [(1,)]
    after(monkeypatch, WEEK_S)
    assert error_of(client.get(old, auth=ADMIN)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_that_is_still_written_to_is_kept(
    start: Start, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resting(_building: Building, stopping: asyncio.Event) -> None:
        await stopping.wait()

    # The server's own would find the upload before anything is written to it.
    monkeypatch.setattr(Building, "sweep", resting)
    client = start()
    location = started(client)
    idle(settings, location, for_s=WEEK_S + 60)
    client.patch(location, content=b"x", auth=ADMIN)
    assert sweep(client) == 0
    assert statuses(client, location) == [204]


def test_how_long_an_upload_is_kept_can_be_set(
    start: Start, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start()
    location = started(client)
    idle(settings, location, for_s=120)
    assert sweep(client, upload_idle_s=180) == 0
    sweep(client, upload_idle_s=60)
    after(monkeypatch, DAY_S + 1)
    assert statuses(client, location) == [404]


def test_an_upload_to_which_nothing_is_sent_is_forgotten_after_a_day(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start()
    location = begin(client)
    after(monkeypatch, DAY_S - 60)
    assert statuses(client, location) == [204]
    after(monkeypatch, 120)
    assert statuses(client, location) == [404]


def test_it_is_forgotten_earlier_where_all_idle_uploads_are(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start(upload_idle_s=600)
    location = begin(client)
    after(monkeypatch, 660)
    assert statuses(client, location) == [404]


def test_ids_of_ended_uploads_are_kept_while_they_would_pass_for_fresh_ones(
    start: Start, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SOME", 2)
    client = start()
    for location in [begin(client) for _ in range(5)]:
        assert client.delete(location, auth=ADMIN).status_code == 204
    after(monkeypatch, DAY_S - 60)
    sweep(client)
    assert rows("SELECT count(*) FROM ended_upload") == [(5,)]
    push_blob(client, REPO, b"a day later")
    after(monkeypatch, 120)
    sweep(client)
    assert rows("SELECT count(*) FROM ended_upload") == [(1,)]


@pytest.mark.parametrize(("age_s", "kept"), [(60, True), (3 * 3600, False)])
def test_an_uploads_file_without_a_row_goes_once_it_is_not_young(
    start: Start, settings: Settings, age_s: int, kept: bool
) -> None:
    client = start()
    file = settings.data / "uploads" / uuid.uuid4().hex
    file.write_bytes(b"x")
    age(file, age_s)
    sweep(client)
    assert file.exists() is kept


def test_a_row_whose_file_is_lost_goes_once_it_is_old(
    start: Start, settings: Settings, rows: Rows
) -> None:
    client = start()
    location = started(client)
    file_of(settings, location).unlink()
    sweep(client)
    assert rows("SELECT count(*) FROM blob_upload") == [(1,)]
    idle(settings, location, for_s=WEEK_S + 60)
    sweep(client)
    assert rows("SELECT count(*) FROM blob_upload") == [(0,)]


def test_leftovers_are_swept_when_a_server_starts(start: Start, settings: Settings) -> None:
    file = leftover(settings, b"from before a crash")
    until(start(), file.exists, False)


def test_memory_is_swept_too(start: Start) -> None:
    store = MemoryStore()
    client = start(store=store)
    digest = push_blob(client, REPO, b"recorded")

    async def leave(data: bytes) -> None:
        upload_id = uuid.uuid4().hex

        async def chunks() -> Any:
            yield data

        await store.begin(upload_id)
        await store.append(upload_id, chunks())
        await store.publish(upload_id, sha256(data))  # type: ignore[arg-type]

    async def names() -> list[str]:
        return [each.name async for each in store.blobs()]

    in_server(client, leave, b"leftover")
    sweep(client)
    assert in_server(client, names) == [digest]
    assert client.get(f"/v2/{REPO}/blobs/{digest}", auth=ADMIN).content == b"recorded"


def test_pushing_and_sweeping_at_once_loses_nothing(start: Start, settings: Settings) -> None:
    """Another process sweeps without a pause while blobs come in."""
    client = start()
    stop = False

    async def sweep_on() -> int:
        count = 0
        store = FileStore(settings.data, reserve=0)
        async with opened(settings.database) as db:
            while not stop:
                await jobs.sweep(db, store, upload_idle_s=WEEK_S)
                count += 1
        return count

    async def both() -> int:
        nonlocal stop
        sweeping = asyncio.create_task(asyncio.to_thread(asyncio.run, sweep_on()))
        try:
            await asyncio.to_thread(push_many)
        finally:
            stop = True
        return int(await sweeping)

    def push_many() -> None:
        for number in range(25):
            push_blob(client, REPO, b"%d" % number)

    assert asyncio.run(both()) > 0
    for number in range(25):
        answer = client.get(f"/v2/{REPO}/blobs/{sha256(b'%d' % number)}", auth=ADMIN)
        assert answer.content == b"%d" % number
