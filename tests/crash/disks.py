"""Small disks to fill. Mounting takes root, or `sudo` without a password."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KIB = 1024
MIB = 1024 * KIB
# Blocks of a page each, as on all but tiny disks. SQLite makes sure of one byte of each page of the
# memory that its connections share; with smaller blocks the rest of the page would be a hole, and
# to write to it on a full disk is a bus error.
MKFS = ("mkfs.ext4", "-q", "-m", "0", "-b", "4096")


def as_root(*command: object) -> str:
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    done = subprocess.run([*sudo, *map(str, command)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout.strip()


@contextmanager
def tmpfs(place: Path, nbytes: int) -> Iterator[Path]:
    place.mkdir()
    as_root("mount", "-t", "tmpfs", "-o", f"size={nbytes},mode=777", "tmpfs", place)
    try:
        yield place
    finally:
        as_root("umount", "-l", place)


@contextmanager
def ext4(place: Path, nbytes: int) -> Iterator[Path]:
    """A file system on a loop device, as a disk has it: with a journal, inodes and directories."""
    place.mkdir()
    image = place.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(nbytes)
    as_root(*MKFS, image)
    as_root("mount", "-o", "loop", image, place)
    as_root("chmod", "777", place)
    try:
        yield place
    finally:
        as_root("umount", "-l", place)


def free(place: Path) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


class Ballast:
    """A file that takes what is left on a disk; somebody else's, as far as the server knows."""

    def __init__(self, place: Path) -> None:
        self.file = place / "ballast"

    def fill(self, leave: int = 0) -> None:
        """Leave so many bytes free, and no more."""
        piece = b"\xff" * (64 * KIB)
        with self.file.open("ab", buffering=0) as out:
            while (room := free(self.file.parent) - leave) > 0:
                try:
                    out.write(piece[:room])
                except OSError:
                    break

    def drop(self) -> None:
        self.file.unlink()


class Volatile:
    """A file system on a disk that forgets what was not flushed when its power is cut."""

    def __init__(self, folder: Path, nbytes: int) -> None:
        """Make it in *folder*, which everybody must be able to enter; it is `place`."""
        self.folder = folder
        self.place = folder / "place"
        self.behind = folder / "behind"
        for each in (self.place, self.behind):
            each.mkdir(exist_ok=True)
        script = Path(__file__).with_name("volatile_disk.py")
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        self.daemon = subprocess.Popen(
            [*sudo, sys.executable, script, self.behind, str(nbytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.told() == "mounted"
        self.mount(self.behind / "disk", make=True)

    def told(self) -> str:
        assert self.daemon.stdout is not None
        return self.daemon.stdout.readline().strip()

    def mount(self, disk: Path, *, make: bool = False) -> None:
        self.device = as_root("losetup", "--find", "--show", disk)
        if make:
            as_root(*MKFS, self.device)
        as_root("mount", self.device, self.place)
        as_root("chmod", "777", self.place)

    def unmount(self) -> None:
        as_root("umount", self.place)
        as_root("losetup", "--detach", self.device)

    def cut(self, seed: int) -> int:
        """Freeze what a power cut leaves now; return how many pages it cost."""
        assert self.daemon.stdin is not None
        self.daemon.stdin.write(f"cut {self.folder / 'left.img'} {seed}\n")
        self.daemon.stdin.flush()
        return int(self.told())

    def power_on(self) -> None:
        """Go on with what the last cut has left; whoever used the disk has been killed."""
        self.unmount()
        self.mount(self.folder / "left.img")

    def close(self) -> None:
        self.unmount()
        assert self.daemon.stdin is not None
        assert self.daemon.stdout is not None
        self.daemon.stdin.close()
        self.daemon.stdout.close()
        as_root("umount", self.behind)
        self.daemon.wait(10)
