"""In which order the kernel is asked: every byte, name and row is on the disk before the 201."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from tests.crash.client import Client, content, expect, image, sha256
from tests.crash.conftest import POSTGRESQL, MakeServer
from tests.crash.server import Server

pytestmark = pytest.mark.crash
REPOSITORY = "library/order"
CALLS = "fsync,fdatasync,rename,renameat,renameat2,unlink,write,writev,sendto,sendmsg"
STRACE = ("strace", "-f", "-yy", "-s", "64", "-e", f"trace={CALLS}", "-e", "signal=none", "-o")
BEGIN = re.compile(r"(\d+) +(\w+)\((.*)")
RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>")


@dataclass(frozen=True)
class Call:
    name: str
    text: str
    began: int  # lines of the trace
    ended: int


def calls(trace: list[str]) -> Iterator[Call]:
    """The calls of all threads, each with where it began and where it ended."""
    open_calls: dict[str, tuple[str, str, int]] = {}
    for number, line in enumerate(trace):
        if resumed := RESUMED.match(line):
            name, text, began = open_calls.pop(resumed[1])
            yield Call(name, text + line, began, number)
        elif begun := BEGIN.match(line):
            if line.endswith("<unfinished ...>"):
                open_calls[begun[1]] = (begun[2], begun[3], number)
            else:
                yield Call(begun[2], begun[3], number, number)


def one(found: list[Call], name: str, *texts: str) -> Call:
    """The last call of that name, or kind of names, that is about all these."""
    return [
        call
        for call in found
        if re.fullmatch(name, call.name) and all(text in call.text for text in texts)
    ][-1]


def traced(server: Server, trace: Path, already: int) -> list[Call]:
    return list(calls(trace.read_text(errors="replace").splitlines()[already:]))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace"


@pytest.fixture
def server(make_server: MakeServer, trace: Path) -> Server:
    made = make_server()
    made.wrapper = (*STRACE, str(trace))
    made.start()
    return made


def test_a_push_is_acknowledged_when_it_cannot_be_lost_any_more(
    server: Server, trace: Path
) -> None:
    config = b"{}"
    with Client(server.port) as client:
        for number, (how, nbytes) in enumerate(
            (("post", 100), ("put", 70_000), ("chunks", 3_000_000))
        ):
            already = len(trace.read_text(errors="replace").splitlines())
            data = content(number, nbytes)
            expect(client.push_blob(REPOSITORY, data, how), 201)  # type: ignore[arg-type]
            check_blob(traced(server, trace, already), sha256(data))
        expect(client.push_blob(REPOSITORY, config), 201)
        already = len(trace.read_text(errors="replace").splitlines())
        expect(client.put_manifest(REPOSITORY, "v1", image(config)), 201)
        found = traced(server, trace, already)
        if not POSTGRESQL:
            committed = one(found, "f(data)?sync", "harbor.db-wal")
            assert committed.ended < answered(found).began
    everything = traced(server, trace, 0)
    assert [call for call in everything if "/blobs/sha256>" in call.text], "no folder was synced"


def answered(found: list[Call]) -> Call:
    return one(found, "write|writev|sendto|sendmsg", "HTTP/1.1 201", "TCP")


def check_blob(found: list[Call], digest: str) -> None:
    digits = digest.partition(":")[2]
    content_safe = one(found, "f(data)?sync", "/uploads/")
    named = one(found, "rename.*", "/uploads/", digits)
    name_safe = one(found, "f(data)?sync", f"/blobs/sha256/{digits[:2]}>")
    answer = answered(found)
    order = [content_safe, named, name_safe]
    if not POSTGRESQL:  # whose own process commits; see the power cuts
        order.append(one(found, "f(data)?sync", "harbor.db-wal"))
    order.append(answer)
    for before, after in pairwise(order):
        assert before.ended < after.began, [(call.name, call.text[:200]) for call in order]
    # A new folder for blobs is made to last before anything is put into it.
    folders = [call for call in found if "/blobs/sha256>" in call.text]
    assert all(call.ended < named.began for call in folders), folders
