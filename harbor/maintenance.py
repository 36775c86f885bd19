"""What an administrator does from the command line, beside a running server or without one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from harbor.app import box_of
from harbor.auth import second_factor, tokens
from harbor.core.crypto import generate_password, hash_password
from harbor.core.db import Database
from harbor.core.errors import NotFound
from harbor.core.settings import Settings, SettingsError
from harbor.users import service as users
from harbor.users.models import ADMIN_ID


@asynccontextmanager
async def existing(settings: Settings) -> AsyncIterator[Database]:
    """The database of a registry that was started before; ``SettingsError`` if there is none.

    Opening a file that is not there would make an empty one, in the wrong folder perhaps.
    """
    db = Database(settings.database)
    require_file(db)
    try:
        yield db
    finally:
        await db.close()


def require_file(db: Database) -> None:
    if db.is_sqlite and not Path(db.url.database or "").is_file():
        raise SettingsError(f"there is no database at {db.url.database}; see --data-dir")


async def reset_password(settings: Settings, username: str, password: str) -> str:
    """Set *username*'s password, made up if empty; return it.

    Without a name it is that of the first administrator, whatever that one is called by now.
    """
    password = password or generate_password()
    users.check_password(password)
    hashed = await hash_password(password)
    async with existing(settings) as db:
        user_id = await id_of(db, username)
        async with db.writing() as session:
            await users.replace_password(session, user_id, password_hash=hashed)
    return password


async def remove_second_factor(settings: Settings, username: str) -> None:
    """Let the password of *username*, or of the first administrator, be enough again."""
    async with existing(settings) as db:
        user_id = await id_of(db, username)
        async with db.writing() as session:
            await second_factor.remove(session, user_id)


async def id_of(db: Database, username: str) -> int:
    """Of whoever signs in with that name; without one, of the first administrator."""
    if not username:
        return ADMIN_ID
    user = await users.find_login(db.quick, username)
    if user is None:
        raise NotFound(f"there is no account {username}")
    return user.user_id


async def rotate_keys(settings: Settings) -> str:
    """A new signing key; return its id."""
    async with existing(settings) as db, db.writing() as session:
        return await tokens.add_key(session, box_of(settings))
