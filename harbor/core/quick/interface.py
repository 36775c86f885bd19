"""What a quick database does; one module for each kind of database does it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from harbor.core.quick.statements import Row, Statement

T = TypeVar("T")
FILES_LOCK = 7_214_001  # PostgreSQL advisory lock: files of blobs come and go
Rows = Callable[["Pen"], Awaitable[T]]
Files = Callable[[], Awaitable[None]]
__all__ = ["Files", "Pen", "Quick", "Row", "Rows"]


class Pen(Protocol):
    """One transaction."""

    async def run(self, statement: Statement, **values: object) -> list[Row]:
        """Run *statement*; the rows that it finds or returns, in its order."""

    async def run_many(self, statement: Statement, rows: Sequence[Mapping[str, object]]) -> None:
        """Run *statement* for each of *rows*; others get their turn meanwhile."""


class Quick(Protocol):
    async def fetch(self, statement: Statement, **values: object) -> list[Row]:
        """The rows that *statement* finds, among all that was committed before, in its order."""

    async def write(self, rows: Rows[T], *, files: Files | None = None) -> T:
        """Do *rows* in a transaction, and return what it returned once that is on the disk.

        Whatever it raises takes back what it did, and comes through. *files* goes first, while
        nobody removes a blob's file (``hold_files``). Waiting for anything but the pen inside
        *rows* keeps other writers waiting.
        """

    async def version(self) -> Any:
        """Differs from what it was as soon as anything was committed, whoever did it."""

    def version_now(self) -> Any | None:
        """The same at once; ``None`` where the database must be asked."""

    async def close(self) -> None: ...
