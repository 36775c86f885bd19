"""What an upload is made of: bytes that come, and go straight to memory that the store lends."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable

Lend = Callable[[], memoryview]


class Source(ABC, AsyncIterator[bytes]):
    """Bytes on their way in. Whoever takes them iterates, or fills memory of its own."""

    @property
    @abstractmethod
    def come(self) -> int:
        """How many bytes have come, taken or not."""

    @property
    @abstractmethod
    def is_over(self) -> bool:
        """Whether it is known that all has been taken."""

    @abstractmethod
    async def fill(self, lend: Lend) -> int:
        """Fill what *lend* gives, which is called once something is there; return how many bytes.

        There may be room left, if no more comes soon; 0 is the end. What goes wrong is told by the
        call after the one that returned what came before it.
        """


class Pieces(Source):
    """What an iterator within the process yields, which never dawdles."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")  # of the newest, which did not fit
        self._failure: BaseException | None = None
        self._come = 0
        self._over = False

    @property
    def come(self) -> int:
        return self._come

    @property
    def is_over(self) -> bool:
        return self._over and not self._rest

    async def __anext__(self) -> bytes:
        if not await self._have():
            raise StopAsyncIteration
        piece, self._rest = bytes(self._rest), memoryview(b"")
        return piece

    async def fill(self, lend: Lend) -> int:
        if not await self._have():
            return 0
        memory, filled = lend(), 0
        while filled < len(memory):
            try:
                if not await self._have():
                    break
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
                # It is told after what came before it.
                self._failure = error
                break
            nbytes = min(len(memory) - filled, len(self._rest))
            memory[filled : filled + nbytes] = self._rest[:nbytes]
            filled, self._rest = filled + nbytes, self._rest[nbytes:]
        return filled

    async def _have(self) -> bool:
        """Get a piece that is not empty, unless there is one."""
        if self._failure is not None:
            raise self._failure
        while not self._rest and not self._over:
            piece = await anext(self._pieces, None)
            self._over = piece is None
            self._rest = memoryview(piece or b"")
            self._come += len(self._rest)
        return bool(self._rest)
