"""What is done: show the settings to an administrator, and change them."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct
from sqlalchemy import (
    Boolean,
    Integer,
    String,
    column,
    delete,
    exists,
    func,
    insert,
    select,
    table,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.configuration.models import Setting
from harbor.configuration.schemas import BY_API, ELSEWHERE, SECRETS, ConfigItem, Values
from harbor.configuration.service import rules
from harbor.configuration.service.current import CHANGED, OVERWRITE, Configuration
from harbor.core.api import Ctx
from harbor.core.crypto import Box
from harbor.core.errors import BadRequest, Forbidden

# People live on a higher floor, so their table is named by string, as in a foreign key.
USER = table(
    "harbor_user",
    column("user_id", Integer),
    column("username", String),
    column("deleted", Boolean),
)
ADMIN_ID = 1
HAS_USERS = select(exists().where(USER.c.user_id != ADMIN_ID, USER.c.deleted.is_(False)))


class SettingsChanged(Struct, frozen=True):
    """What is told to the rooms above: the settings are others now."""

    before: Values
    after: Values


async def shown(configuration: Configuration) -> dict[str, object]:
    """What an administrator may see of the settings: everything but the secrets."""
    values = await configuration.current()
    open_ = not configuration.is_fixed
    told: dict[str, object] = {
        name: ConfigItem(getattr(values, name), open_) for name in BY_API if name not in SECRETS
    }
    return told | {
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


async def change(ctx: Ctx, changes: Mapping[str, object]) -> None:
    """Keep accepted *changes*, and tell of them; ``BadRequest`` if they do not fit."""
    if changes:
        await ctx.tell(await update(ctx.session, ctx.the(Configuration), changes))


async def update(
    session: AsyncSession, configuration: Configuration, changes: Mapping[str, object]
) -> SettingsChanged:
    """Keep accepted *changes*; ``BadRequest`` if they do not fit to what there is."""
    if session.get_bind().dialect.name == "postgresql":
        # Two who change settings that must fit together take turns; whoever reads does not wait.
        await session.execute(text("LOCK TABLE configuration IN SHARE ROW EXCLUSIVE MODE"))
    rows = [tuple(row) for row in await session.execute(CHANGED)]
    before = configuration.read(rows)
    changes = await with_former_mode(session, before, changes)
    rules.check_together(msgspec.structs.asdict(before) | dict(changes))
    if name := await called_like_robots(session, before, changes):
        raise BadRequest(f"bad request: robot_name_prefix: the name of user {name} begins so")
    await session.execute(delete(Setting).where(Setting.name.in_(changes)))
    await session.execute(
        insert(Setting),
        [
            {"name": name, "value": kept(name, value, configuration.box)}
            for name, value in changes.items()
        ],
    )
    rows = [tuple(row) for row in await session.execute(CHANGED)]
    return SettingsChanged(before, configuration.read(rows))


async def with_former_mode(
    session: AsyncSession, before: Values, changes: Mapping[str, object]
) -> Mapping[str, object]:
    """The changes; with another mode, the former one goes on beside it, if anybody needs it.

    In Harbor the mode is for ever once there are users. Here nobody is lost: whoever came from a
    source signs in as before, until an administrator ends that by ``auth_sources``.
    """
    former = before.auth_mode
    if changes.get("auth_mode", former) == former or "auth_sources" in changes:
        return changes
    if former not in ELSEWHERE or not await session.scalar(HAS_USERS):
        return changes
    going_on = [*before.sources, former]
    kept_on = [mode for mode in dict.fromkeys(going_on) if mode != changes["auth_mode"]]
    return {**changes, "auth_sources": ",".join(kept_on)}


async def called_like_robots(
    session: AsyncSession, before: Values, changes: Mapping[str, object]
) -> str | None:
    """Somebody whose name would begin as those of robots do: nobody would know who did what."""
    prefix = str(changes.get("robot_name_prefix", before.robot_name_prefix))
    if prefix == before.robot_name_prefix:
        return None
    begins_so = func.lower(USER.c.username).startswith(prefix.lower(), autoescape=True)
    wanted = select(USER.c.username).where(begins_so, USER.c.deleted.is_(False)).limit(1)
    return await session.scalar(wanted)


def kept(name: str, value: object, box: Box) -> str:
    """How the table keeps *value*: as JSON, and a secret encrypted first."""
    closed = box.close(value) if name in SECRETS and isinstance(value, str) else value
    return msgspec.json.encode(closed).decode()
