"""The power fails: the disk forgets what was not flushed, but nothing that was acknowledged."""

import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.crash.client import Client
from tests.crash.conftest import POSTGRESQL, MakeServer
from tests.crash.disks import MIB, Volatile
from tests.crash.ledger import Ledger
from tests.crash.load import Load
from tests.crash.server import free_port
from tests.crash.verify import Verifier

pytestmark = pytest.mark.crash
ROUNDS = (int(os.environ.get("HARBOR_CRASH_ROUNDS", "6")) + 1) // 2
SEED = int(os.environ.get("HARBOR_CRASH_SEED", str(random.SystemRandom().getrandbits(32))))
THREADS = 6


@pytest.fixture
def disk() -> Iterator[Volatile]:
    """In a folder of its own, which PostgreSQL's user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="harbor-power-"))
    folder.chmod(0o755)
    made = Volatile(folder, 512 * MIB)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder)


def test_the_disk_forgets_what_was_not_flushed(disk: Volatile) -> None:
    """Or the tests below would prove nothing."""
    (disk.place / "folder").mkdir()
    os.sync()
    for name in ("synced", "lost"):
        with (disk.place / "folder" / name).open("wb") as file:
            file.write(b"x" * 100_000)
            file.flush()
            if name == "synced":
                os.fsync(file.fileno())
    disk.cut(1)
    assert (disk.place / "folder" / "lost").stat().st_size == 100_000
    disk.power_on()
    assert (disk.place / "folder" / "synced").read_bytes() == b"x" * 100_000
    lost = disk.place / "folder" / "lost"
    assert not lost.exists() or lost.read_bytes() != b"x" * 100_000


class Cluster:
    """A PostgreSQL of our own, whose files are on the disk that loses its power."""

    def __init__(self, place: Path) -> None:
        found = shutil.which("initdb") or max(
            map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        )
        self.programs = Path(found).resolve().parent
        self.data, self.port = place / "postgresql", free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.data.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.data, "postgres", "postgres")
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust").wait(60)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def run(self, program: str, *arguments: object) -> "subprocess.Popen[bytes]":
        """As a user who is not root, whom PostgreSQL refuses."""
        user = "postgres" if os.geteuid() == 0 else None
        return subprocess.Popen(
            [self.programs / program, *map(str, arguments)],
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def start(self) -> None:
        options = ("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
        self.process = self.run("postgres", "-D", self.data, "-p", self.port, *options)
        ready = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + 60
        while subprocess.run(ready, check=False).returncode:
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            assert self.process.poll() is None, "PostgreSQL does not start"
            time.sleep(0.05)

    def kill(self) -> None:
        """Its children see that it has gone, and go too."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            time.sleep(0.5)

    def after_power_cut(self) -> None:
        """The file of the old process may name one of ours: nobody has restarted the machine."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)


@contextmanager
def database_on(place: Path) -> Iterator[Cluster | None]:
    if not POSTGRESQL:
        yield None
        return
    cluster = Cluster(place)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()


def power_cut(disk: Volatile, make_server: MakeServer, number: int) -> Verifier:
    """Push; cut the power at any moment; start on what the disk has kept; read all of it."""
    seed = SEED + number
    ledger = Ledger()
    with database_on(disk.place) as cluster:
        url = cluster.url if cluster else ""
        server = make_server(disk.place / "data", database_url=url, workers=1 + number % 2)
        server.start()
        with Load(server.port, ledger, threads=THREADS, seed=seed):
            time.sleep(random.Random(seed).uniform(0.5, 3.0))
            ledger.freeze()
            lost = disk.cut(seed)
            server.kill()
        if cluster:
            cluster.kill()
        disk.power_on()
        if cluster:
            cluster.after_power_cut()
            cluster.start()
        took_s = server.start()
        with Client(server.port) as client:
            found = Verifier(client, ledger)
            found.check()
            found.resume(power_cut=True)
            again = found.push_again()
            found.check()
        assert server.stop() == 0
    database = server.data / "harbor.db"
    if database.exists():
        with closing(sqlite3.connect(database)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                found.breaches.append("the database is damaged")
    print(
        f"round {number}, seed {seed}: {ledger.done} acknowledged, {lost} pages lost, "
        f"{found.blobs // 2} blobs, {found.manifests // 2} manifests, {again} pushed again, "
        f"ready in {took_s:.2f} s, {len(found.breaches)} breaches"
    )
    return found


@pytest.mark.parametrize("number", range(ROUNDS))
def test_nothing_acknowledged_is_lost_by_a_power_cut(
    disk: Volatile, make_server: MakeServer, number: int
) -> None:
    print(f"HARBOR_CRASH_SEED={SEED}")
    assert power_cut(disk, make_server, number).breaches == []
