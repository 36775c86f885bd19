"""Chunks that the parser of HTTP does not see are taken for what it would take them for."""

import random
from dataclasses import dataclass, field
from typing import Any

import httptools
import pytest

from harbor.core.chunked import Chunks, Resumed, chunks_of

HEAD = b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
ODD = [
    b"",
    b"\r",
    b"\n",
    b"\r\n",
    b"0",
    b"a",
    b"F",
    b";",
    b"g",
    b" ",
    b"\t",
    b"0\r\n",
    b"5\r\n",
    b"-",
]


@dataclass
class Told:
    """What a parser tells of a connection's requests."""

    bodies: list[bytes] = field(default_factory=list)
    urls: list[bytes] = field(default_factory=list)
    headers: list[bytes] = field(default_factory=list)
    ends: int = 0
    is_broken: bool = False

    def on_message_begin(self) -> None:
        self.bodies.append(b"")
        self.urls.append(b"")

    def on_url(self, url: bytes) -> None:
        self.urls[-1] += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append(name + b": " + value)

    def on_headers_complete(self) -> None:
        self.headers.append(b"")

    def on_body(self, body: bytes) -> None:
        self.bodies[-1] += body

    def on_chunk_header(self) -> None:
        """Not compared: of plain frames nobody is told."""

    def on_chunk_complete(self) -> None:
        """Nor this."""

    def on_message_complete(self) -> None:
        self.ends += 1


def parser_of(told: Told) -> Any:
    parser = httptools.HttpRequestParser(told)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def parsed(pieces: list[bytes]) -> Told:
    told = Told()
    parser = parser_of(told)
    parser.feed_data(HEAD)
    try:
        for piece in pieces:
            parser.feed_data(piece)
    except httptools.HttpParserError:
        told.is_broken = True
    return told


def unframed(pieces: list[bytes]) -> tuple[Told, bool]:
    """What is told, and whether all was in plain frames."""
    told = Told()
    parser_of(told).feed_data(HEAD)
    chunks, parser, plain = Chunks(0), None, True
    chunks.between = b"\r\n"  # the head has ended
    try:
        for piece in pieces:
            if parser is not None:
                parser.feed_data(piece)
                continue
            memory = memoryview(bytearray(piece) + b"beyond")
            told.on_body(bytes(memory[: chunks.unframe(memory, len(piece))]))
            if chunks.rest is not None:
                plain = chunks.is_over
                if plain:
                    told.on_message_complete()
                parser = parser_of(told) if plain else Resumed(told).parser
                parser.feed_data(chunks.rest)
    except httptools.HttpParserError:
        told.is_broken = True
    return told, plain


def framed(dice: random.Random) -> bytes:
    lines = []
    for _ in range(dice.randrange(6)):
        data = dice.choice([dice.randbytes(dice.randrange(1, 40)), b"\r\n5\r\n\r\n0\r\n\r\n"])
        size = dice.choice([b"%x", b"%x", b"%x", b"%X", b"00%x", b"%x;an=extension", b"%08x"])
        lines.append(size % len(data) + b"\r\n" + data + b"\r\n")
    end = dice.choice([b"0\r\n\r\n", b"0\r\n\r\n", b"000\r\n\r\n", b"0\r\nA: trailer\r\n\r\n"])
    return b"".join(lines) + end + dice.choice([b"", NEXT, NEXT + NEXT])


def cut(dice: random.Random, whole: bytes) -> list[bytes]:
    at = sorted(dice.randrange(len(whole) + 1) for _ in range(dice.randrange(5)))
    return [whole[a:b] for a, b in zip([0, *at], [*at, len(whole)], strict=True) if a < b]


@pytest.mark.parametrize("seed", range(8))
def test_any_frames_mean_what_they_mean_to_the_parser(seed: int) -> None:
    dice, plain_ones, broken = random.Random(seed), 0, 0
    for _ in range(1500):
        whole = framed(dice)
        for _ in range(dice.choice([0, 0, 1, 2])):
            at = dice.randrange(len(whole))
            whole = whole[:at] + dice.choice(ODD) + whole[at + dice.randrange(3) :]
        pieces = cut(dice, whole)
        (told, plain), meant = unframed(pieces), parsed(pieces)
        assert told == meant, pieces
        plain_ones += plain
        broken += meant.is_broken
    assert plain_ones > 100
    assert broken > 200


@pytest.mark.parametrize("size", [1, 9, 10, 16, 255, 4096, 32768])
def test_a_cut_at_any_byte_loses_nothing(size: int) -> None:
    data = random.Random(size).randbytes(3 * size)
    frames = [b"%x\r\n%b\r\n" % (size, data[at : at + size]) for at in range(0, len(data), size)]
    whole = b"".join(frames) + b"0\r\n\r\n" + NEXT
    places = {*range(min(len(whole), 60)), *range(size, min(len(whole), size + 60))}
    for at in (places | set(range(len(whole) - 60, len(whole)))) - {0}:
        told, plain = unframed([whole[:at], whole[at:]])
        assert plain
        assert (told.bodies, told.ends) == ([data, b""], 2)


def test_where_the_parser_is_in_a_chunk() -> None:
    def left(data: bytes, come: int) -> int | None:
        chunks = chunks_of(memoryview(data), come)
        return None if chunks is None else chunks.left

    assert left(HEAD + b"8000\r\n" + b"x" * 100, 100) == 0x8000 - 100
    assert left(b"tail\r\nA\r\n0123456789", 10) == 0
    assert left(b"tail\r\nA\r\n0123456789", 0) is None  # of no chunk has anything come
    assert left(b"A\r\n01234", 5) is None  # who knows what was before
    assert left(b"01234", 5) is None
    assert left(b"\r\n0A\r\n01234", 5) is None
    assert left(b"\r\nA;b=\r\n5\r\n01234", 8) is None  # the line is an extension's
    assert left(b"\r\n3\r\n01234", 5) is None
    # The chunk is whole, and the parser has seen a part of what follows.
    assert left(b"\r\n5\r\n01234\r", 5) is None
