"""A disk that loses its cache when the power fails: one file in a file system in user space.

Run as root: ``python volatile_disk.py FOLDER BYTES``. A loop device on ``FOLDER/disk`` makes it a
disk like any other; what the kernel flushes is kept, and nothing else is for certain. On standard
input, ``cut FILE SEED`` writes what a power cut at this moment would leave: everything that was
flushed, and of what came after it whatever chance wants. End of input ends it.

Source: Linux include/uapi/linux/fuse.h, protocol 7.31.
"""

import ctypes
import errno
import os
import random
import select
import stat
import struct
import sys
from collections.abc import Callable
from pathlib import Path

PAGE = 4096
SECTOR = 512
MAX_WRITE = 1 << 20
EMPTY = bytes(PAGE)
ROOT, DISK = 1, 2
NAME = b"disk"
FOREVER_S = 1 << 30
HEADER = struct.Struct("<IIQQIIIHH")
REPLY = struct.Struct("<IiQ")
ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")
BIG_WRITES, MAX_PAGES = 1 << 5, 1 << 22


class Pages:
    """The content: what is safe, and every version of what is not."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        self.safe: dict[int, bytes] = {}
        self.pending: dict[int, list[bytes]] = {}

    def page(self, number: int) -> bytes:
        versions = self.pending.get(number)
        return versions[-1] if versions else self.safe.get(number, EMPTY)

    def read(self, offset: int, nbytes: int) -> bytes:
        stop = min(offset + nbytes, self.nbytes)
        first, last = offset // PAGE, (stop - 1) // PAGE
        whole = b"".join(self.page(number) for number in range(first, last + 1))
        return whole[offset - first * PAGE : stop - first * PAGE]

    def write(self, offset: int, data: bytes) -> None:
        at = 0
        while at < len(data):
            number, start = divmod(offset + at, PAGE)
            piece = data[at : at + PAGE - start]
            if len(piece) < PAGE:
                old = self.page(number)
                new = old[:start] + piece + old[start + len(piece) :]
            else:
                new = bytes(piece)
            self.pending.setdefault(number, []).append(new)
            at += len(piece)

    def flush(self) -> None:
        for number, versions in self.pending.items():
            self.safe[number] = versions[-1]
        self.pending.clear()

    def cut(self, file: Path, rng: random.Random) -> int:
        """Write what a power cut leaves; return how many pages it tore or dropped."""
        lost = 0
        chance = rng.choice((0.0, 0.1, 0.5, 0.9))  # that an unflushed page made it
        with file.open("wb") as out:
            out.truncate(self.nbytes)
            for number in self.safe.keys() | self.pending.keys():
                page = self.safe.get(number, EMPTY)
                versions = self.pending.get(number)
                if versions and rng.random() < chance:
                    new = rng.choice(versions)
                    torn = (
                        rng.randrange(1, PAGE // SECTOR) * SECTOR if rng.random() < 0.05 else PAGE
                    )
                    page = new[:torn] + page[torn:]
                lost += versions is not None and page != versions[-1]
                out.seek(number * PAGE)
                out.write(page)
        return lost


class FileSystem:
    """The one file, served to the kernel."""

    def __init__(self, folder: Path, pages: Pages) -> None:
        self.pages = pages
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.fd},rootmode=40000,user_id=0,group_id=0,allow_other"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"volatile", str(folder).encode(), b"fuse", 0, options.encode()):
            raise OSError(ctypes.get_errno(), "mount")
        self.operations: dict[int, Callable[[int, bytes], bytes]] = {
            1: self.lookup,
            3: self.get_attributes,
            4: self.get_attributes,  # to set some is to change nothing
            14: self.open,
            15: self.read,
            16: self.write,
            17: lambda _node, _body: struct.pack(
                "<QQQQQIIII24x", 0, 0, 0, 1, 0, PAGE, 255, PAGE, 0
            ),
            18: lambda _node, _body: b"",
            20: self.fsync,
            25: lambda _node, _body: b"",
            26: self.init,
            27: self.open,
            29: lambda _node, _body: b"",
        }

    def serve_one(self) -> bool:
        """Answer one request; whether there may be more."""
        try:
            request = os.read(self.fd, MAX_WRITE + PAGE)
        except OSError as error:
            return error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT)
        _, opcode, unique, node, *_rest = HEADER.unpack_from(request)
        if opcode in (2, 42, 36):  # to forget, or to interrupt, wants no answer
            return True
        operation = self.operations.get(opcode)
        failed, answer = 0, b""
        if operation is None:
            failed = errno.ENOSYS
        else:
            try:
                answer = operation(node, request[HEADER.size :])
            except OSError as error:
                failed = error.errno or errno.EIO
        os.write(self.fd, REPLY.pack(REPLY.size + len(answer), -failed, unique) + answer)
        return True

    def init(self, _node: int, body: bytes) -> bytes:
        flags = struct.unpack_from("<IIII", body)[3] & (BIG_WRITES | MAX_PAGES)
        return struct.pack(
            "<IIIIHHIIHH32x", 7, 31, 1 << 17, flags, 64, 48, MAX_WRITE, 1, MAX_WRITE // PAGE, 0
        )

    def attributes(self, node: int) -> bytes:
        mode = stat.S_IFDIR | 0o755 if node == ROOT else stat.S_IFREG | 0o600
        nbytes = 0 if node == ROOT else self.pages.nbytes
        return ATTRIBUTES.pack(
            node, nbytes, nbytes // SECTOR, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, PAGE, 0
        )

    def lookup(self, _node: int, body: bytes) -> bytes:
        if body.rstrip(b"\0") != NAME:
            raise OSError(errno.ENOENT, "no such file")
        return struct.pack("<QQQQII", DISK, 0, FOREVER_S, FOREVER_S, 0, 0) + self.attributes(DISK)

    def get_attributes(self, node: int, _body: bytes) -> bytes:
        return struct.pack("<QII", FOREVER_S, 0, 0) + self.attributes(node)

    def open(self, _node: int, _body: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0)

    def read(self, _node: int, body: bytes) -> bytes:
        _, offset, nbytes = struct.unpack_from("<QQI", body)
        return self.pages.read(offset, nbytes)

    def write(self, _node: int, body: bytes) -> bytes:
        _, offset, nbytes = struct.unpack_from("<QQI", body)
        self.pages.write(offset, body[40 : 40 + nbytes])
        return struct.pack("<II", nbytes, 0)

    def fsync(self, _node: int, _body: bytes) -> bytes:
        self.pages.flush()
        return b""


def main() -> None:
    folder, nbytes = Path(sys.argv[1]), int(sys.argv[2])
    pages = Pages(nbytes)
    served = FileSystem(folder, pages)
    print("mounted", flush=True)
    while True:
        ready, _, _ = select.select([served.fd, sys.stdin], [], [])
        if served.fd in ready and not served.serve_one():
            return
        if sys.stdin in ready:
            line = sys.stdin.readline()
            if not line:
                return
            _, file, seed = line.split()
            print(pages.cut(Path(file), random.Random(seed)), flush=True)


if __name__ == "__main__":
    main()
