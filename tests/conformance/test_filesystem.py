"""What the filesystem does beyond the interface: restarts, other processes, odd files."""

import asyncio
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from harbor.core.oci import digest_of
from harbor.core.storage import filesystem
from harbor.core.storage.filesystem import FileStore
from harbor.core.storage.interface import DigestMismatch, UploadInUse, UploadMissing
from tests.conformance.pushing import begun, content, pushed, sent

pytestmark = pytest.mark.anyio

KIB, MIB = 1024, 1024 * 1024
DATA = bytes(range(256)) * 12 * KIB  # 3 MiB
HOLD = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
input()
"""
SEND = """
import asyncio, sys
from pathlib import Path
from harbor.core.storage.filesystem import FileStore

async def endless():
    for number in range(1 << 20):
        yield bytes([number % 256]) * 1024
        if number == 8192:
            print("well under way", flush=True)
        await asyncio.sleep(0)

async def main():
    store = FileStore(Path(sys.argv[1]), reserve=0)
    await store.begin(sys.argv[2])
    await store.append(sys.argv[2], endless())

asyncio.run(main())
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileStore]:
    store = FileStore(tmp_path, reserve=0, patience_s=0.1)
    yield store
    store.close()


@pytest.fixture
def other(tmp_path: Path, store: FileStore) -> Iterator[FileStore]:
    """The same directory in another process, or after a restart: it shares nothing but files."""
    other = FileStore(tmp_path, reserve=0, patience_s=0.1)
    yield other
    other.close()


def started(code: str, *args: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


async def test_a_file_lies_where_the_layout_says(store: FileStore, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        upload_id, digest = await begun(store), await pushed(store, b"abc")
    finally:
        os.umask(old)
    path = tmp_path / "blobs/sha256" / digest[7:9] / digest[7:]
    assert path.read_bytes() == b"abc"
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.parent.stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "uploads" / upload_id).stat().st_size == 0
    async with store.open(digest) as blob:
        assert blob.fileno is not None
        assert os.path.samestat(os.fstat(blob.fileno), path.stat())


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("size", [0, 10, len(DATA)])
async def test_an_upload_goes_on_after_a_restart(
    store: FileStore, other: FileStore, size: int, algorithm: str
) -> None:
    upload_id, digest = await begun(store, DATA[:size]), digest_of(DATA[:size] + b"x", algorithm)
    assert await other.size(upload_id) == size
    assert await other.append(upload_id, sent(b"x"), size) == size + 1
    assert await store.seal(upload_id, digest) == size + 1
    await other.publish(upload_id, digest)
    assert await content(store, digest) == DATA[:size] + b"x"


async def test_two_processes_take_turns_with_an_upload(store: FileStore, other: FileStore) -> None:
    upload_id = await begun(store)
    for n in range(6):
        await (store, other)[n % 2].append(upload_id, sent(DATA[:n], DATA))
    whole = b"".join(DATA[:n] + DATA for n in range(6))
    assert await store.seal(upload_id, digest_of(whole)) == len(whole)


async def test_more_uploads_than_are_remembered_end_well(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "REMEMBERED", 1)
    uploads = [await begun(store, b"abc") for _ in range(3)]
    for upload_id in uploads:
        await store.append(upload_id, sent(b"def"))
    for upload_id in uploads:
        await store.seal(upload_id, digest_of(b"abcdef"))


async def test_a_seal_does_not_read_again_what_was_hashed_as_it_came(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = await begun(store, DATA)
    monkeypatch.delattr(os, "preadv")
    monkeypatch.delattr(os, "pread")
    await store.seal(upload_id, digest_of(DATA))


async def test_a_lock_in_another_process_keeps_us_out(store: FileStore, tmp_path: Path) -> None:
    upload_id = await begun(store)
    with started(HOLD, tmp_path / "uploads" / upload_id) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(UploadInUse):
            await store.append(upload_id, sent(b"abc"))
        holder.kill()
    assert await store.append(upload_id, sent(b"abc")) == 3


async def test_an_upload_goes_on_after_its_server_was_killed(
    store: FileStore, tmp_path: Path
) -> None:
    upload_id = uuid4().hex
    with started(SEND, tmp_path, upload_id) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"well under way\n"
        server.kill()
    size = await store.size(upload_id)
    assert size >= 4 * MIB
    whole = b"".join(bytes([number % 256]) * KIB for number in range(size // KIB + 1))[:size]
    assert await store.append(upload_id, sent(b"the rest"), size) == size + 8
    await store.seal(upload_id, digest_of(whole + b"the rest"))


@pytest.mark.parametrize("fate", ["published", "cancelled"])
async def test_who_waited_for_an_upload_that_is_finished_does_not_write_to_its_blob(
    store: FileStore, tmp_path: Path, fate: str
) -> None:
    upload_id = await begun(store, b"abc")
    path, blob = tmp_path / "uploads" / upload_id, tmp_path / "blob"
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiting = asyncio.create_task(store.append(upload_id, sent(b"d")))
        await asyncio.sleep(0.02)
        path.rename(blob)
        if fate == "published":
            path.touch()  # another file under the old name is not ours either
    with pytest.raises(UploadMissing):
        await waiting
    assert blob.read_bytes() == b"abc"


async def test_an_upload_that_vanishes_before_the_rename_is_missing(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, real = await begun(store, b"abc"), os.fdatasync
    await store.seal(upload_id, digest_of(b"abc"))

    def swept_just_now(fd: int) -> None:
        real(fd)
        os.unlink(store._layout.upload(upload_id))

    monkeypatch.setattr(os, "fdatasync", swept_just_now)
    with pytest.raises(UploadMissing):
        await store.publish(upload_id, digest_of(b"abc"))


async def test_a_blob_is_durable_step_by_step(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, fdatasync, rename = os.fsync, os.fdatasync, os.rename

    def where(fd: int) -> str:
        return str(Path(f"/proc/self/fd/{fd}").readlink().relative_to(tmp_path))

    def noted(step: str | int, call: Callable[..., None], *args: object) -> None:
        steps.append(where(step) if isinstance(step, int) else step)
        call(*args)

    monkeypatch.setattr(os, "fsync", lambda fd: noted(fd, fsync, fd))
    monkeypatch.setattr(os, "fdatasync", lambda fd: noted(fd, fdatasync, fd))
    monkeypatch.setattr(os, "rename", lambda *names: noted("rename", rename, *names))
    digest, upload_id = digest_of(b"abc"), await begun(store, b"abc")
    await store.seal(upload_id, digest)
    await store.publish(upload_id, digest)
    shard = f"blobs/sha256/{digest[7:9]}"
    assert steps == [f"uploads/{upload_id}", "blobs/sha256", "rename", shard]


async def test_a_small_upload_that_was_just_written_is_sealed_without_its_lock(
    store: FileStore, tmp_path: Path
) -> None:
    upload_id = await begun(store, b"abc")
    with (tmp_path / "uploads" / upload_id).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert await store.seal(upload_id, digest_of(b"abc")) == 3


@pytest.mark.parametrize("there", [b"ab", b"abcd"])
async def test_what_another_process_wrote_meanwhile_is_not_sealed_unread(
    store: FileStore, tmp_path: Path, there: bytes
) -> None:
    upload_id = await begun(store, b"abc")
    (tmp_path / "uploads" / upload_id).write_bytes(there)
    with pytest.raises(DigestMismatch):
        await store.seal(upload_id, digest_of(b"abc"))


async def test_an_old_upload_makes_a_young_blob(store: FileStore, tmp_path: Path) -> None:
    upload_id = await begun(store, b"abc")
    os.utime(tmp_path / "uploads" / upload_id, (0, 0))
    assert [found.age_s > 1e9 async for found in store.uploads()] == [True]
    await store.publish(upload_id, digest_of(b"abc"))
    assert [found.age_s < 60 async for found in store.blobs()] == [True]


async def test_files_of_others_are_not_listed(store: FileStore, tmp_path: Path) -> None:
    digest, upload_id = await pushed(store, b"abc"), await begun(store)
    shard = tmp_path / "blobs/sha256" / digest[7:9]
    for path in (
        tmp_path / "uploads/README",
        tmp_path / "uploads" / ("A" * 32),
        tmp_path / "blobs/sha256/lost+found",
        shard / "abc",
        shard / ("0" * 64),  # filed under the wrong digits
    ):
        path.touch()
    (tmp_path / "uploads" / ("b" * 32)).mkdir()
    (tmp_path / "uploads" / ("c" * 32)).symlink_to("/etc/passwd")
    assert [found.name async for found in store.blobs()] == [digest]
    assert [found.name async for found in store.uploads()] == [upload_id]


async def test_a_link_is_not_followed(store: FileStore, tmp_path: Path) -> None:
    upload_id, target = "c" * 32, tmp_path / "target"
    target.write_bytes(b"precious")
    (tmp_path / "uploads" / upload_id).symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        await store.append(upload_id, sent(b"!"))
    assert target.read_bytes() == b"precious"
