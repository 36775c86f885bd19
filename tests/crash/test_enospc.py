"""A full disk: refused politely, nothing half-written stays, what is there goes on being served."""

import os
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from tests.crash.client import (
    HOWS,
    OCTETS,
    Answer,
    Client,
    content,
    expect,
    push_image,
    sha256,
    with_digest,
)
from tests.crash.conftest import MakeServer
from tests.crash.disks import MIB, Ballast, as_root, ext4, free, tmpfs
from tests.crash.server import HANGING_S, Server

pytestmark = pytest.mark.crash
REPOSITORY = "library/full"
Disk = Callable[[Path, int], AbstractContextManager[Path]]
DISK = 72 * MIB
REFUSED = (507, 413, 503)


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    make: Disk = request.param
    with make(tmp_path / "disk", DISK) as place:
        yield place


class Timed(Client):
    """A client that notes how long each answer took, and looks at each refusal."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.port)
        self.server = server
        self.slowest_s = 0.0
        self.seen: Counter[int] = Counter()

    def call(self, *args: object, **more: object) -> Answer:
        began = time.monotonic()
        answer = super().call(*args, **more)  # type: ignore[arg-type]
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        self.seen[answer.status] += 1
        if answer.status in REFUSED:
            assert answer.codes, answer.body
            assert str(self.server.data).encode() not in answer.body
            assert b"/" not in answer.body.replace(REPOSITORY.encode(), b""), answer.body
        assert answer.status in REFUSED or answer.status < 500, answer
        return answer

    def try_blob(self, data: bytes, number: int) -> bool:
        """Whether a blob could be pushed; if not, that must have been for want of room."""
        how = HOWS[number % len(HOWS)]
        try:
            return self.push_blob(REPOSITORY, data, how).status == 201
        except AssertionError as error:
            if str(error)[:3] in map(str, (*REFUSED, 404)):
                return False
            raise


def fill(client: Timed, nbytes: int) -> list[bytes]:
    """Push blobs until some are refused; return those that were not."""
    pushed, refused = [], 0
    for number in range(1000):
        data = content(nbytes + number, nbytes)
        if client.try_blob(data, number):
            pushed.append(data)
        else:
            refused += 1
        if refused > len(HOWS):
            return pushed
    raise AssertionError("the disk never fills")


def check_content(client: Client, pushed: list[bytes], raw: bytes) -> None:
    for data in pushed:
        assert expect(client.blob(REPOSITORY, sha256(data)), 200).body == data
    assert expect(client.manifest(REPOSITORY, "v1"), 200).body == raw


@pytest.mark.parametrize(
    ("disk", "reserve"),
    [(tmpfs, 16 * MIB), (ext4, 0)],
    ids=["reserve", "no-reserve"],
    indirect=["disk"],
)
def test_a_disk_is_filled_by_pushes(make_server: MakeServer, disk: Path, reserve: int) -> None:
    server = make_server(disk / "data", disk_reserve=reserve)
    server.start()
    Ballast(disk).fill(DISK - 16 * MIB)
    with Timed(server) as client:
        raw = push_image(client, REPOSITORY, "v1", content(1, 1000))
        pushed = fill(client, 3_000_000)
        pushed += fill(client, 20_000)
        assert server.uploads() == []
        check_content(client, pushed, raw)
        if reserve:
            check_database_is_writable(client, raw)
        took_s = restart_full(server, client, pushed, raw)
        print(
            f"{len(pushed)} blobs kept, {dict(client.seen)}, slowest answer "
            f"{client.slowest_s:.2f} s, ready in {took_s:.2f} s"
        )
        assert client.slowest_s < HANGING_S


def check_database_is_writable(client: Client, raw: bytes) -> None:
    """The reserve is for this: tags move, things are deleted, people come."""
    for number in range(20):
        expect(client.put_manifest(REPOSITORY, f"t{number}", raw), 201)
        path = f"/v2/{REPOSITORY}/manifests/t{number}"
        expect(client.call("DELETE", path), 202)


def restart_full(server: Server, client: Client, pushed: list[bytes], raw: bytes) -> float:
    """Stop and start, with no byte left but what stopping frees; what is there is served."""
    ballast = Ballast(server.data.parent)
    took_s = 0.0
    for stop in (server.stop, server.kill):
        ballast.fill()
        client.close()
        stop()
        took_s = max(took_s, server.start())
        check_content(client, pushed, raw)
        refused = client.call("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
        assert refused.status in (*REFUSED, 202)
    ballast.drop()
    assert client.push_blob(REPOSITORY, b"room again").status == 201
    assert client.blob(REPOSITORY, sha256(b"room again")).body == b"room again"
    return took_s


@pytest.mark.parametrize("disk", [ext4], indirect=True)
def test_many_fill_a_disk_at_once(make_server: MakeServer, disk: Path) -> None:
    server = make_server(disk / "data", disk_reserve=8 * MIB)
    server.start()
    with Timed(server) as client:
        raw = push_image(client, REPOSITORY, "v1", content(1, 1000))

    def work(seed: int) -> tuple[list[bytes], float]:
        rng = random.Random(seed)
        with Timed(server) as mine:
            pushed, refused = [], 0
            while refused < 12:
                data = content(rng.getrandbits(32), rng.choice((500, 100_000, 4_000_000)))
                if mine.try_blob(data, rng.randrange(5)):
                    pushed.append(data)
                else:
                    refused += 1
            return pushed, mine.slowest_s

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
    pushed = [data for each, _ in found for data in each]
    slowest_s = max(each for _, each in found)
    # An upload that had begun when the disk was full can still be open; nothing more may stay.
    assert sum(file.stat().st_size for file in server.uploads()) == 0
    assert free(disk) >= 4 * MIB, "the reserve is for the database"
    with Timed(server) as client:
        check_content(client, pushed, raw)
        check_database_is_writable(client, raw)
    print(f"{len(pushed)} blobs kept, slowest answer {slowest_s:.2f} s")
    assert slowest_s < HANGING_S


@pytest.mark.parametrize("disk", [tmpfs, ext4], indirect=True)
def test_a_disk_that_others_fill(make_server: MakeServer, disk: Path) -> None:
    """While uploads run, and with no byte left: reading works, then everything does again."""
    server = make_server(disk / "data", disk_reserve=4 * MIB)
    server.start()
    ballast = Ballast(disk)
    with Timed(server) as client:
        raw = push_image(client, REPOSITORY, "v1", content(1, 1000))
        begun = client.begin(REPOSITORY)
        filled = threading.Event()

        def slowly() -> Iterator[bytes]:
            for number in range(40):
                yield content(number, 200_000)
                if number == 5:
                    ballast.fill()
                    filled.set()
                time.sleep(0.01)

        answer = client.call("PATCH", begun, slowly(), OCTETS)
        assert filled.is_set()
        assert answer.status in REFUSED, answer
        assert server.uploads() == []
        check_content(client, [], raw)
        for data in (b"", b"small", content(1, 2_000_000)):
            for number in range(len(HOWS)):
                assert not client.try_blob(data, number)
        # The database may have no room either; that must be said, and not as a fault of ours.
        answer = client.put_manifest(REPOSITORY, "v2", raw)
        assert answer.status in (201, *REFUSED), answer
        check_content(client, [], raw)
        ballast.drop()
        assert client.try_blob(b"small", 0)
        assert client.try_blob(content(1, 2_000_000), 1)
        expect(client.put_manifest(REPOSITORY, "v2", raw), 201)
        print(f"{dict(client.seen)}, slowest answer {client.slowest_s:.2f} s")
        assert client.slowest_s < HANGING_S
    assert server.stop() == 0
    if (server.data / "harbor.db").exists():
        with closing(sqlite3.connect(server.data / "harbor.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_disk_without_inodes(make_server: MakeServer, tmp_path: Path) -> None:
    """No file can be made although there is room for bytes: the folder of a new blob may fail."""
    with tmpfs(tmp_path / "disk", 64 * MIB) as disk:
        server = make_server(disk / "data", disk_reserve=0)
        server.start()
        with Timed(server) as client:
            raw = push_image(client, REPOSITORY, "v1", content(1, 1000))
            places = [client.begin(REPOSITORY) for _ in range(20)]
            as_root("mount", "-o", f"remount,nr_inodes={used_inodes(disk)}", disk)
            assert not client.try_blob(b"one file more", 0)
            seen: Counter[int] = Counter()
            for number, place in enumerate(places):
                data = content(number, 5000)
                answer = client.call("PUT", with_digest(place, sha256(data)), data, OCTETS)
                seen[answer.status] += 1
                assert answer.status in (201, *REFUSED), answer
            print(dict(seen))
            check_content(client, [], raw)
            as_root("mount", "-o", "remount,nr_inodes=100000", disk)
            assert client.try_blob(b"one file more", 0)
            assert server.uploads() == []


def used_inodes(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_files - found.f_ffree
