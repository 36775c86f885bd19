"""Members of archives: told as tarfile tells them."""

import io
import tarfile
from contextlib import suppress
from typing import Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harbor.core import tars
from harbor.core.tars import Member, members
from harbor.core.unpacking import BrokenArchive, Unpacked

NUMBERS = st.sampled_from([0, 1, 0o644, 0o7777, 2**20, 8**7 - 1, 8**7, 8**11 - 1, 8**11, -1])
KINDS = st.sampled_from([b"0", b"\0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"Z"])
NAMES = st.one_of(
    st.sampled_from(["a", "a/b", "d/", "/abs", "../up", "ü" * 60, "x" * 99, "x" * 100, "x" * 101]),
    st.sampled_from(["p" * 60 + "/" + "q" * 60, "p" * 200 + "/q", ""]),
    st.text(min_size=1, max_size=20).map(lambda text: text.replace("\0", "")),
)
FORMS: st.SearchStrategy[Literal[0, 1, 2]] = st.sampled_from(
    [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
)


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    made = b""
    for _ in draw(st.lists(st.none(), max_size=3)):
        info = tarfile.TarInfo(draw(NAMES))
        info.type = draw(KINDS)
        info.linkname = draw(NAMES) if info.type in (b"1", b"2") else ""
        info.mode, info.uid, info.mtime = draw(NUMBERS), draw(NUMBERS), draw(NUMBERS)
        # To tarfile, an old directory has no content: what follows it is then no header.
        has_content = info.type in (b"0", b"7", b"Z") or (
            info.type == b"\0" and not info.name.endswith("/")
        )
        data = draw(st.binary(max_size=600)) if has_content else b""
        info.size = len(data)
        with suppress(ValueError):  # that form cannot say it
            head = info.tobuf(draw(FORMS), "utf-8", "surrogatepass")
            made += head + data + bytes(-len(data) % 512)
    return made + bytes(1024)


def ours(raw: bytes) -> tuple[list[Member], bool]:
    """The members, and whether there was anything wrong after them."""
    found: list[Member] = []
    try:
        found.extend(members(Unpacked(cast(io.RawIOBase, io.BytesIO(raw)), 2**40)))
    except BrokenArchive:
        return found, True
    return found, False


def theirs(raw: bytes) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:", errors="replace") as archive:
            found.extend(facts_of(info) for info in archive)
    except (tarfile.TarError, ValueError, OverflowError):
        pass
    return found


def facts_of(info: tarfile.TarInfo) -> tuple[object, ...]:
    numbers = info.mode, info.uid, info.gid, info.size, int(info.mtime), info.offset_data
    return (info.name, info.type, *numbers, info.linkname, info.issparse())


def facts(one: Member) -> tuple[object, ...]:
    numbers = one.mode, one.uid, one.gid, one.size, one.mtime, one.offset
    return (one.name, one.kind, *numbers, one.target, one.has_holes)


@given(archives())
def test_archives_are_read_as_tarfile_reads_them(raw: bytes) -> None:
    found, is_wrong = ours(raw)
    assert [facts(one) for one in found] == theirs(raw)
    assert not is_wrong


@given(archives(), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=3))
def test_damaged_ones_are_read_no_further_than_tarfile_does(
    raw: bytes, changes: list[tuple[int, int]]
) -> None:
    damaged = bytearray(raw)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    names = [one.name for one in ours(bytes(damaged))[0]]
    expected = [str(each[0]) for each in theirs(bytes(damaged))]
    assert names == expected[: len(names)]


def test_simple_headers_are_not_left_to_tarfile(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the hundred thousand they would cost ten times as much."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for number in range(50):
            info = tarfile.TarInfo(f"directory/{number}")
            info.size = number
            archive.addfile(info, io.BytesIO(bytes(number)))
    asked: list[bytes] = []
    read = tars.Others.read

    def counted(self: tars.Others, head: bytes, *, is_first: bool) -> Member | None:
        asked.append(head)
        return read(self, head, is_first=is_first)

    monkeypatch.setattr(tars.Others, "read", counted)
    found, is_wrong = ours(made.getvalue())
    assert (len(found), is_wrong) == (50, False)
    assert [head.strip(b"\0") for head in asked] == [b""]  # the end
