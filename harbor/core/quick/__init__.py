"""The registry's hot road to the database: the same tables, without the ORM and its session.

A statement is written with SQLAlchemy, with a ``bindparam`` for each value; it is compiled once
and then run by the driver itself. What is written goes through ``write``, one transaction.
"""

import asyncio

from sqlalchemy.engine import URL

from harbor.core.quick import sqlite
from harbor.core.quick.interface import Files, Pen, Quick, Row, Rows
from harbor.core.quick.statements import SessionPen, among, put, put_new

__all__ = [
    "Files",
    "Pen",
    "Quick",
    "Row",
    "Rows",
    "SessionPen",
    "among",
    "put",
    "put_new",
    "quick",
]


def quick(url: URL, turn: asyncio.Lock) -> Quick:
    """The quick road to the database at *url*; on SQLite, writers wait for *turn*."""
    if "sqlite" in url.drivername:
        return sqlite.SqliteQuick(url.database or "", turn)
    from harbor.core.quick import postgresql  # noqa: PLC0415, its driver takes memory

    return postgresql.PostgresqlQuick(url)
