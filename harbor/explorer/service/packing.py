"""What is done: values are packed to be kept."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

T = TypeVar("T")


def pack(value: object) -> bytes:
    import zstandard  # noqa: PLC0415, for servers that look into layers

    return zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(value))


def unpack(raw: bytes, kind: type[T]) -> T:
    import zstandard  # noqa: PLC0415

    return msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(raw), type=kind)


def in_blocks(part: int, values: Sequence[object], most: int) -> dict[tuple[int, int], bytes]:
    """*values* in blocks of *most* of them, by part and number."""
    return {(part, at // most): pack(values[at : at + most]) for at in range(0, len(values), most)}
