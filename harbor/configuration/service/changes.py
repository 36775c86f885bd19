"""What is done: show the settings to an administrator, and change them."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import Boolean, Integer, column, delete, exists, insert, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.configuration.models import Setting
from harbor.configuration.schemas import BY_API, SECRETS, ConfigItem
from harbor.configuration.service import rules
from harbor.configuration.service.current import CHANGED, OVERWRITE, Configuration
from harbor.core.crypto import Box
from harbor.core.errors import BadRequest, Forbidden

# People live on a higher floor, so their table is named by string, as in a foreign key.
USER = table("harbor_user", column("user_id", Integer), column("deleted", Boolean))
ADMIN_ID = 1
HAS_USERS = select(exists().where(USER.c.user_id != ADMIN_ID, USER.c.deleted.is_(False)))


async def shown(session: AsyncSession, configuration: Configuration) -> dict[str, object]:
    """What an administrator may see of the settings: everything but the secrets."""
    values = await configuration.current()
    open_ = not configuration.is_fixed
    told: dict[str, object] = {
        name: ConfigItem(getattr(values, name), open_) for name in BY_API if name not in SECRETS
    }
    free = open_ and not await session.scalar(HAS_USERS)
    return told | {
        "auth_mode": ConfigItem(values.auth_mode, free),
        "scan_all_policy": values.scan_all_policy,
    }


def accepted(configuration: Configuration, told: Mapping[str, object]) -> dict[str, object]:
    """The changes that *told* asks for; what is unknown, or null, asks for none.

    ``Forbidden`` if nothing can be changed, ``BadRequest`` naming a setting if it cannot be so.
    """
    if configuration.is_fixed:
        raise Forbidden(
            f"current config is init by env variable: {OVERWRITE}, it cannot be updated"
        )
    return {name: rules.checked(name, told[name]) for name in BY_API if told.get(name) is not None}


async def update(
    session: AsyncSession, configuration: Configuration, changes: Mapping[str, object]
) -> None:
    """Keep accepted *changes*; ``BadRequest`` if they do not fit to what there is."""
    if not changes:
        return
    if session.get_bind().dialect.name == "postgresql":
        # Two who change settings that must fit together take turns; whoever reads does not wait.
        await session.execute(text("LOCK TABLE configuration IN SHARE ROW EXCLUSIVE MODE"))
    rows = [tuple(row) for row in await session.execute(CHANGED)]
    before = configuration.read(rows)
    mode = changes.get("auth_mode", before.auth_mode)
    if mode != before.auth_mode and await session.scalar(HAS_USERS):
        raise BadRequest(
            "the auth mode cannot be modified as new users have been inserted into database"
        )
    rules.check_together(msgspec.structs.asdict(before) | dict(changes))
    await session.execute(delete(Setting).where(Setting.name.in_(changes)))
    await session.execute(
        insert(Setting),
        [
            {"name": name, "value": kept(name, value, configuration.box)}
            for name, value in changes.items()
        ],
    )


def kept(name: str, value: object, box: Box) -> str:
    """How the table keeps *value*: as JSON, and a secret encrypted first."""
    closed = box.close(value) if name in SECRETS and isinstance(value, str) else value
    return msgspec.json.encode(closed).decode()
