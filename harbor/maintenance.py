"""What an administrator does from the command line, beside a running server or without one."""

from harbor.app import box_of
from harbor.auth import tokens
from harbor.core.crypto import generate_password, hash_password
from harbor.core.db import Database
from harbor.core.settings import Settings
from harbor.users import service as users


class Refused(Exception):
    """The message says why."""


async def reset_password(settings: Settings, username: str, password: str) -> str:
    """Set *username*'s password, made up if empty; return it."""
    password = password or generate_password()
    users.check_password(password)
    hashed = await hash_password(password)
    db = Database(settings.database)
    try:
        user = await users.find_login(db.quick, username)
        if user is None:
            raise Refused(f"there is no account {username}")
        async with db.writing() as session:
            await users.replace_password(session, user.user_id, password_hash=hashed)
    finally:
        await db.close()
    return password


async def rotate_keys(settings: Settings) -> str:
    """A new signing key; return its id."""
    db = Database(settings.database)
    try:
        async with db.writing() as session:
            return await tokens.add_key(session, box_of(settings))
    finally:
        await db.close()
