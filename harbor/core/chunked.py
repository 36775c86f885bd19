"""Chunks of a body, taken out of their frames where they were read to.

The plain frames alone: a size in at most seven digits, and nothing else in its line. Whatever else
there may be (extensions, trailers, errors) is for the parser of HTTP, which is told where in the
body it is. So there is one opinion on what a body is.

Source: RFC 9112 section 7.1.
"""

import re
from typing import Any

import httptools

# What stands between two chunks, or behind the last one.
BETWEEN = re.compile(rb"\r\n(?:([1-9a-fA-F][0-9a-fA-F]{0,6})\r\n|0\r\n\r\n)")
BEGUN = re.compile(rb"\r?|\r\n(?:[1-9a-fA-F][0-9a-fA-F]{0,6}\r?|0(?:\r(?:\n\r?)?)?)?")
LONGEST = 11  # bytes of it
SIZE = re.compile(rb"\r\n([1-9a-fA-F][0-9a-fA-F]{0,6})\r\n\Z")
IN_A_CHUNK = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n."


class Chunks:
    """Where in its chunks a body is."""

    __slots__ = ("between", "left", "rest")

    def __init__(self, left: int) -> None:
        self.left = left  # bytes of this chunk that have not come
        self.between = b""  # what has come of what stands between two chunks
        self.rest: bytes | None = None  # what is for the parser, after the last plain frame

    @property
    def is_over(self) -> bool:
        """Whether the body has ended, and `rest` belongs to what comes after it."""
        return self.left < 0

    def unframe(self, memory: memoryview, nbytes: int) -> int:
        """Move the content together of what was read to *memory*; return its bytes.

        Sets `rest` if no more is to be read in this way.
        """
        at = filled = 0
        while True:
            if cut := min(self.left, nbytes - at):
                if filled != at:
                    memory[filled : filled + cut] = memory[at : at + cut]
                filled, at, self.left = filled + cut, at + cut, self.left - cut
            if self.left:
                return filled
            line = self.between + bytes(memory[at : min(at + LONGEST, nbytes)])
            found = BETWEEN.match(line)
            if found is None:
                break
            at += found.end() - len(self.between)
            self.between = b""
            if found[1] is None:
                self.left, self.rest = -1, bytes(memory[at:nbytes])
                return filled
            self.left = int(found[1], 16)
        if BEGUN.fullmatch(line):
            self.between = line
        else:
            self.rest = self.between + bytes(memory[at:nbytes])
        return filled


def chunks_of(data: memoryview, come: int) -> Chunks | None:
    """Where in its chunks a body is of which *data* ends with *come* bytes of a chunk.

    None where that cannot be told.
    """
    before = len(data) - come
    found = SIZE.search(bytes(data[max(0, before - LONGEST) : before])) if come > 0 else None
    size = int(found[1], 16) if found else -1
    return Chunks(size - come) if size >= come else None


class Resumed:
    """Passes on what a parser tells that begins at the end of a chunk's content."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._is_told = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.parser.feed_data(IN_A_CHUNK)
        self._is_told = True

    def on_message_begin(self) -> None:
        if self._is_told:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if self._is_told:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_told:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._is_told:
            self._protocol.on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._is_told:
            self._protocol.on_body(body)

    def on_chunk_header(self) -> None:
        if self._is_told:
            self._protocol.on_chunk_header()

    def on_chunk_complete(self) -> None:
        self._protocol.on_chunk_complete()

    def on_message_complete(self) -> None:
        self._protocol.on_message_complete()
