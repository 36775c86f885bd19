"""How layers are read: once, in the background, and remembered."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.core.manifests import Descriptor
from harbor.core.oci import Digest
from harbor.core.storage.interface import Store
from harbor.explorer.schemas import FileList, FileQuery, Summary
from harbor.explorer.service import layers, listing
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.listing import Subject
from tests.conftest import Start
from tests.explorer.layers import content, listed, names, push
from tests.make import ADMIN, error_of, sha256
from tests.registry.servers import Rows, in_server
from tests.tars import tar, zipped

LAYER = zipped(tar(("a", b"1"), ("b", b"2")))


def explorer_of(client: TestClient) -> Explorer:
    building = client.app
    assert isinstance(building, Building)
    return building.explorer


class Counted:
    """A store that counts how often blobs are opened, and lets nobody read before it is told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.opened = 0
        self.let = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def open(self, digest: Digest) -> Any:
        self.opened += 1
        return Waiting(self._store.open(digest), self.let)


class Waiting:
    def __init__(self, opened: Any, let: asyncio.Event) -> None:
        self._opened, self._let = opened, let

    async def __aenter__(self) -> Any:
        await self._let.wait()
        return await self._opened.__aenter__()

    async def __aexit__(self, *error: object) -> Any:
        return await self._opened.__aexit__(*error)


def counted(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Counted:
    explorer = explorer_of(client)
    store = Counted(explorer.store)
    monkeypatch.setattr(explorer, "store", store)
    return store


def subject() -> Subject:
    layer = Descriptor(digest=sha256(LAYER), size=len(LAYER))
    return Subject(sha256(b"manifest"), None, [layer])


async def asked(explorer: Explorer, patience_s: float) -> FileList:
    (found,) = await listing.explored(explorer, subject(), patience_s=patience_s)
    return await listing.files(explorer, found, FileQuery())


def test_once_also_when_many_ask_at_once(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = push(client, "library/app", LAYER)
    store = counted(client, monkeypatch)

    async def many() -> list[FileList]:
        waiting = [asyncio.create_task(asked(explorer_of(client), 60)) for _ in range(5)]
        await asyncio.sleep(0)
        store.let.set()
        return list(await asyncio.gather(*waiting))

    found = in_server(client, many)
    assert [each.total for each in found] == [2] * 5
    assert names(client, image) == ["a", "b"]
    assert store.opened == 1


def test_not_again_for_one_who_looked_before_it_was_kept(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(client, "library/app", LAYER)
    store = counted(client, monkeypatch)
    store.let.set()
    explorer = explorer_of(client)
    in_server(client, lambda: asked(explorer, 60))
    assert store.opened == 1
    looked = explorer._kept
    looks: list[object] = []

    async def late(digests: Sequence[Digest]) -> dict[Digest, Summary]:
        looks.append(digests)
        return await looked(digests) if len(looks) > 1 else {}

    monkeypatch.setattr(explorer, "_kept", late)
    assert in_server(client, lambda: asked(explorer, 60)).total == 2
    assert store.opened == 1


def test_what_was_read_is_kept_over_a_restart(
    start: Start, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    image = push(first, "library/app", LAYER)
    assert names(first, image) == ["a", "b"]
    assert rows("SELECT digest, nentries, nbytes, problem FROM layer_index") == [
        (sha256(LAYER), 2, 2, None)
    ]
    second = start()
    store = counted(second, monkeypatch)
    assert names(second, image) == ["a", "b"]
    assert store.opened == 0


def test_whoever_asks_meanwhile_is_told_how_far_it_is(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = push(client, "library/app", LAYER)
    store = counted(client, monkeypatch)
    monkeypatch.setattr(listing.explored, "__kwdefaults__", {"patience_s": 0})
    answer = client.get(f"{image}/files", auth=ADMIN)
    assert answer.json() == {
        "path": "/",
        "ready": False,
        "layers": [
            {
                "digest": sha256(LAYER),
                "size": len(LAYER),
                "media_type": "application/vnd.oci.image.layer.v1.tar+gzip",
                "ready": False,
            }
        ],
        "total": 0,
        "files": [],
    }
    assert error_of(content(client, image, "/a"))[0] == 503

    async def at_last() -> FileList:
        store.let.set()
        return await asked(explorer_of(client), 60)

    assert in_server(client, at_last).ready


def test_too_many_at_once_are_asked_to_come_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MOST_WAITING", 0)
    image = push(client, "library/app", LAYER)
    assert client.get(f"{image}/files", auth=ADMIN).status_code == 503


def test_a_layer_whose_file_is_gone_is_told(client: TestClient) -> None:
    image = push(client, "library/app", LAYER)
    in_server(client, explorer_of(client).store.delete, Digest(sha256(LAYER)))
    assert listed(client, image)["layers"][0]["problem"] == "it is not in this registry"


def test_a_server_that_stops_meanwhile_does_not_wait(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading is given up; the fixture stops the server."""
    client = start()
    push(client, "library/app", LAYER)
    store = counted(client, monkeypatch)
    found = in_server(client, asked, explorer_of(client), 0)
    assert not found.ready
    assert not store.let.is_set()
