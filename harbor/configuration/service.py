"""What is done: know the settings, and change them."""

from typing import Any

import msgspec
from sqlalchemy import select

from harbor.configuration.models import Setting
from harbor.configuration.schemas import Values
from harbor.core.db import Database

CHANGED = select(Setting.name, Setting.value)


class Configuration:
    """The settings as they are now, whichever process changed them last."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._version: Any = None
        self._values = Values()

    async def current(self) -> Values:
        """The settings; exact, and free of queries as long as nothing was committed."""
        version = await self._db.quick.version()
        if version is None or version != self._version:
            rows = await self._db.quick.fetch(CHANGED)
            told = {name: msgspec.json.decode(value) for name, value in rows}
            self._values, self._version = msgspec.convert(told, Values), version
        return self._values
