"""What is done: know the settings as they are now."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from harbor.configuration.models import Setting
from harbor.configuration.schemas import HINTS, SECRETS, Values
from harbor.configuration.service import rules
from harbor.core.crypto import Box
from harbor.core.db import Database
from harbor.core.errors import BadRequest
from harbor.core.quick import Row
from harbor.core.settings import SettingsError

log = logging.getLogger(__name__)
CHANGED = select(Setting.name, Setting.value).order_by(Setting.name)
OVERWRITE = "CONFIG_OVERWRITE_JSON"


class Configuration:
    """The settings as they are now, whichever process changed them last.

    With *overwrite*, a JSON object, its values come before what anybody stored, and nothing can
    be changed; ``SettingsError`` if one of them is not allowed.
    """

    def __init__(self, db: Database, box: Box, overwrite: str = "") -> None:
        self._db, self.box = db, box
        self._fixed = read_overwrite(overwrite)
        self.is_fixed = bool(overwrite)
        self._version: Any = None
        self._rows: Sequence[Row] = ()
        self._values = self.read(())

    async def current(self) -> Values:
        """The settings; exact, and free of queries as long as nothing was committed."""
        version = await self._db.quick.version()
        if version is None or version != self._version:
            rows = await self._db.quick.fetch(CHANGED)
            # Most commits are about something else: then nothing is decrypted again.
            if rows != self._rows:
                self._values, self._rows = self.read(rows), rows
            self._version = version
        return self._values

    def read(self, rows: Iterable[Row]) -> Values:
        """The settings as *rows* say. What this version cannot read is as if it were not there."""
        values = {}
        for name, raw in rows:
            try:
                values[name] = opened(name, raw, self.box)
            except (KeyError, msgspec.MsgspecError, BadRequest, SettingsError):
                log.warning("a stored setting is ignored", extra={"setting": name})
        return msgspec.convert(values | self._fixed, Values)


def opened(name: str, raw: str, box: Box) -> object:
    """The value that *raw*, as it is kept, stands for."""
    value: object = msgspec.json.decode(raw, type=str if name in SECRETS else object)
    if name in SECRETS:
        value = box.open(str(value))
    return rules.checked(name, value)


def read_overwrite(text: str) -> dict[str, object]:
    """The values of *text*, none if it is empty; ``SettingsError`` names what is not allowed."""
    if not text:
        return {}
    try:
        told: Mapping[str, object] = msgspec.json.decode(text, type=dict[str, object])
        known = {name: told[name] for name in HINTS if told.get(name) is not None}
        values = {name: rules.checked(name, known[name], strict=False) for name in known}
        rules.check_together(values)
    except (msgspec.MsgspecError, BadRequest) as error:
        raise SettingsError(f"{OVERWRITE}: {error}") from error
    for name in told.keys() - HINTS.keys():
        log.warning("a setting that does not exist is ignored", extra={"setting": name})
    return values
