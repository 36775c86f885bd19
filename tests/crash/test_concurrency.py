"""Many clients at once: the same blob, the same tag, the same upload, and deletes against pushes."""

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from tests.crash.client import (
    HOWS,
    OCI_INDEX,
    OCI_MANIFEST,
    OCTETS,
    Answer,
    Client,
    connect,
    content,
    expect,
    head,
    image,
    push_image,
    sha256,
    with_digest,
)
from tests.crash.conftest import servers
from tests.crash.load import index_of
from tests.crash.server import HANGING_S, Server

pytestmark = pytest.mark.crash
THREADS = 12
TIMES = 2 * int(os.environ.get("HARBOR_CRASH_ROUNDS", "6"))
T = TypeVar("T")
LONELY = b"a blob that no manifest names"


@pytest.fixture(scope="module", params=[1, 2], ids=["one-worker", "two-workers"])
def crowd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("crowd")
    with servers(folder) as make:
        server = make(workers=request.param)
        server.start()
        yield server


def at_once(port: int, works: Sequence[Callable[[Client], T]]) -> list[T]:
    """Each work in a thread and a connection of its own, all let go at the same moment."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[Client], T]) -> T:
        with Client(port) as client:
            client.get("/v2/")
            barrier.wait(30)
            return work(client)

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def asking(
    method: str, path: str, body: bytes = b"", headers: dict[str, str] = OCTETS
) -> Callable[[Client], Answer]:
    return lambda client: client.call(method, path, body, headers)


def pushing(
    repository: str, tag: str, raw: bytes, media_type: str = OCI_MANIFEST
) -> Callable[[Client], Answer]:
    return lambda client: client.put_manifest(repository, tag, raw, media_type)


def statuses(answers: Sequence[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


@dataclass
class Same:
    """One blob, and those who push and read it until it is over."""

    port: int
    repository: str
    data: bytes
    over: threading.Event = field(default_factory=threading.Event)

    def push(self, client: Client) -> int:
        for how in HOWS:
            expect(client.push_blob(self.repository, self.data, how), 201)
        return len(HOWS)

    def read(self) -> int:
        """How often it was read. Once it is there, it never goes away."""
        found = []
        with Client(self.port) as client:
            while not self.over.is_set():
                answer = expect(client.blob(self.repository, sha256(self.data)), 200, 404)
                assert answer.status == 404 or answer.body == self.data, "a bad read"
                found.append(answer.status)
            assert expect(client.blob(self.repository, sha256(self.data)), 200).body == self.data
        assert found == sorted(found, reverse=True)
        return found.count(200) + 1


def test_the_same_blob_is_pushed_and_read_by_many(crowd: Server) -> None:
    pushes, reads = 0, 0
    for number, nbytes in enumerate((1, 70_000, 3_000_000)):
        same = Same(crowd.port, f"library/same{number}", content(number, nbytes))
        with ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(same.read) for _ in range(4)]
            try:
                pushes += sum(at_once(crowd.port, [same.push] * 8))
            finally:
                same.over.set()
            reads += sum(future.result() for future in futures)
    print(f"{pushes} pushes, all 201; {reads} reads, none bad")
    assert crowd.uploads() == []


def test_a_tag_is_moved_by_many(crowd: Server) -> None:
    repository = "library/tags"
    with Client(crowd.port) as client:
        raws = [push_image(client, repository, f"own{n}", content(n, 100)) for n in range(THREADS)]

        def move(raw: bytes) -> Callable[[Client], object]:
            def work(mover: Client) -> None:
                for _ in range(5):
                    expect(mover.put_manifest(repository, "moved", raw), 201)
                    answer = expect(mover.manifest(repository, "moved"), 200)
                    assert answer.body in raws

            return work

        at_once(crowd.port, [move(raw) for raw in raws])
        assert expect(client.manifest(repository, "moved"), 200).body in raws
        assert client.tags(repository).count("moved") == 1
        for n, raw in enumerate(raws):
            assert client.manifest(repository, f"own{n}").body == raw


def test_blobs_are_deleted_while_manifests_that_name_them_are_pushed(crowd: Server) -> None:
    repository = "library/race"
    seen: Counter[str] = Counter()
    with Client(crowd.port) as client:
        for number in range(TIMES):
            config, layer = content(number, 50), content(number + 1000, 50)
            for data in (config, layer):
                expect(client.push_blob(repository, data), 201)
            raw = image(config, layer)

            delete = asking("DELETE", f"/v2/{repository}/blobs/{sha256(layer)}")
            push = pushing(repository, f"t{number}", raw)
            answers = at_once(crowd.port, [delete, push, push, delete])
            assert statuses(answers).keys() <= {201, 202, 400, 404, 405}, statuses(answers)
            there = client.manifest(repository, f"t{number}").status == 200
            whole = client.blob(repository, sha256(layer)).status == 200
            assert whole or not there, "a dangling manifest"
            assert there == (201 in statuses(answers)), "acknowledged, and gone"
            seen["pushed" if there else "deleted"] += 1
    print(f"who won: {dict(seen)}")


def test_children_are_deleted_while_indexes_that_list_them_are_pushed(crowd: Server) -> None:
    repository = "library/index"
    with Client(crowd.port) as client:
        for number in range(TIMES):
            child = push_image(client, repository, "child", content(number, 30))
            raw = index_of(child)

            delete = asking("DELETE", f"/v2/{repository}/manifests/{sha256(child)}")
            push = pushing(repository, f"i{number}", raw, OCI_INDEX)
            answers = at_once(crowd.port, [delete, push, push])
            assert statuses(answers).keys() <= {201, 202, 400, 404, 412}, statuses(answers)
            there = client.manifest(repository, f"i{number}").status == 200
            whole = client.manifest(repository, sha256(child)).status == 200
            assert whole or not there, "a dangling index"


def test_an_upload_is_written_by_two_at_once(crowd: Server) -> None:
    """One of them gets its bytes in; the other is told so; never a mixture."""
    repository = "library/two"
    seen: Counter[int] = Counter()
    with Client(crowd.port) as client:
        for number in range(TIMES):
            data = content(number, 1_500_000)
            place = client.begin(repository)
            told = OCTETS | {"Content-Range": f"0-{len(data) - 1}"}
            whole = asking("PUT", with_digest(place, sha256(data)), data, told)
            answers = at_once(crowd.port, [whole, whole, whole])
            seen += statuses(answers)
            assert statuses(answers).keys() <= {201, 404, 409, 416}
            assert statuses(answers)[201] == 1, statuses(answers)
            assert client.blob(repository, sha256(data)).body == data
    print(dict(seen))


def test_an_upload_is_appended_to_finished_and_cancelled_at_once(crowd: Server) -> None:
    """Whatever comes of it, there is no 5xx, and no blob with other bytes than its digest."""
    repository = "library/brawl"
    seen: Counter[int] = Counter()
    with Client(crowd.port) as client:
        for number in range(TIMES):
            data = content(number, 300_000)
            digest = sha256(data)
            place = client.begin(repository)
            works = [
                asking("PUT", with_digest(place, digest), data),
                asking("PATCH", place, data),
                asking("PUT", with_digest(place, digest)),
                asking("PATCH", place, b"more"),
                asking("GET", place),
                asking("DELETE", place) if number % 3 == 0 else asking("GET", place),
            ]
            answers = at_once(crowd.port, works)
            seen += statuses(answers)
            assert not [status for status in statuses(answers) if status >= 500], answers
            answer = client.blob(repository, digest)
            assert answer.status == 404 or answer.body == data
    print(dict(seen))


def test_a_quarrel_about_one_upload_does_not_hold_up_everybody_else(crowd: Server) -> None:
    """Its last PUT and a PATCH that dribbles come at once, while others push."""
    over = threading.Event()
    took_s: list[float] = []

    def push_on(client: Client) -> None:
        number = 0
        while not over.is_set():
            began = time.monotonic()
            number += 1
            expect(client.push_blob("library/others", content(number, 100), "post"), 201)
            took_s.append(time.monotonic() - began)

    others = [Client(crowd.port) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(push_on, client) for client in others]
        try:
            found = [quarrel(crowd.port, 0.004 * number) for number in range(TIMES // 2)]
        finally:
            over.set()
        for future in futures:
            future.result()
    for client in others:
        client.close()
    print(f"{Counter(found)}, slowest push of others {max(took_s):.2f} s of {len(took_s)}")
    assert set(found) <= {201, 404, 409}
    assert max(took_s) < HANGING_S


def quarrel(port: int, pause_s: float) -> int:
    """What the PUT is told."""
    data = content(9, 1000)
    with Client(port) as client, ThreadPoolExecutor(1) as pool, connect(port) as slow:
        place = client.append(client.begin("library/quarrel"), data, 0)
        future = pool.submit(client.call, "PUT", with_digest(place, sha256(data)))
        time.sleep(pause_s)
        with suppress(OSError):
            slow.sendall(head("PATCH", place, Content_Length=100_000) + b"x")
            while not future.done():
                time.sleep(0.1)
                slow.sendall(b"x")
        return future.result().status


def test_what_was_acknowledged_is_seen_in_every_connection(crowd: Server) -> None:
    """Nothing is remembered longer than it is true, whichever process answers."""
    repository = "library/seen"
    readers = [Client(crowd.port) for _ in range(6)]
    blob = f"/v2/{repository}/blobs/{sha256(LONELY)}"
    with Client(crowd.port) as client:
        raws = [push_image(client, repository, f"v{n}", content(n, 30)) for n in range(2)]
        tagged = f"/v2/{repository}/manifests/moved"
        for number in range(TIMES):
            raw = raws[number % 2]
            expect(client.put_manifest(repository, "moved", raw), 201)
            assert [reader.get(tagged).body for reader in readers] == [raw] * 6
            assert {reader.call("HEAD", tagged).status for reader in readers} == {200}
            assert all("moved" in reader.tags(repository) for reader in readers)
            expect(client.push_blob(repository, LONELY), 201)
            assert {reader.get(blob).status for reader in readers} == {200}
            expect(client.call("DELETE", blob), 202)
            assert {reader.get(blob).status for reader in readers} == {404}
            assert {reader.call("HEAD", blob).status for reader in readers} == {404}
            expect(client.call("DELETE", tagged), 202)
            assert {reader.get(tagged).status for reader in readers} == {404}
            assert not any("moved" in reader.tags(repository) for reader in readers)
            by_digest = f"/v2/{repository}/manifests/{sha256(raw)}"
            expect(client.call("DELETE", by_digest), 202)
            assert {reader.get(by_digest).status for reader in readers} == {404}
    for reader in readers:
        reader.close()


def test_a_blob_is_mounted_while_it_is_deleted_at_its_source(crowd: Server) -> None:
    seen: Counter[int] = Counter()
    with Client(crowd.port) as client:
        for number in range(TIMES):
            data = content(number, 40)
            digest = sha256(data)
            expect(client.push_blob("library/source", data), 201)
            target = f"library/target{number}"
            query = f"?mount={digest}&from=library/source"
            mount = asking("POST", f"/v2/{target}/blobs/uploads/{query}")
            delete = asking("DELETE", f"/v2/library/source/blobs/{digest}")
            mounted, *_rest = answers = at_once(crowd.port, [mount, delete, mount])
            seen += statuses(answers)
            assert statuses(answers).keys() <= {201, 202, 404}
            found = client.blob(target, digest)
            if mounted.status == 201:
                assert found.status == 200
                assert found.body == data
            assert client.blob("library/source", digest).status == 404
    print(dict(seen))


def test_a_new_repository_gets_its_first_manifests_from_many(crowd: Server) -> None:
    rng = random.Random(7)
    for number in range(5):
        repository = f"library/new{number}"
        with Client(crowd.port) as client:
            config = content(rng.getrandbits(32), 20)
            expect(client.push_blob(repository, config), 201)
            raws = [image(config, annotations={"n": str(n % 4)}) for n in range(THREADS)]
            pushes = [pushing(repository, "first", raw) for raw in raws]
            answers = at_once(crowd.port, pushes)
            assert statuses(answers) == {201: THREADS}
            assert expect(client.manifest(repository, "first"), 200).body in raws
            assert json.loads(client.get(f"/v2/{repository}/tags/list").body)["tags"] == ["first"]
