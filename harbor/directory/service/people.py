"""What is done: what a source tells of a person, and the account that the person has here."""

import logging

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.errors import Conflict
from harbor.directory.models import HTTP, LDAP
from harbor.directory.service import groups
from harbor.directory.service.groups import Known
from harbor.users import service as users
from harbor.users.models import User
from harbor.users.service import rules

log = logging.getLogger(__name__)
LDAP_AUTH, HTTP_AUTH, UAA_AUTH = "ldap_auth", "http_auth", "uaa_auth"
GROUPS_OF = {LDAP_AUTH: LDAP, HTTP_AUTH: HTTP}  # UAA tells of none
COMMENTS = {LDAP_AUTH: "from LDAP.", HTTP_AUTH: "From HTTP auth proxy", UAA_AUTH: "From UAA"}


class Person(Struct, frozen=True):
    """Somebody as a source knows them."""

    source: str
    username: str
    realname: str = ""
    email: str = ""
    is_admin: bool = False
    groups: tuple[Known, ...] = ()

    @property
    def account_name(self) -> str:
        """The name here: a comma separates names elsewhere."""
        return self.username.strip().replace(",", "_")


async def receive(
    session: AsyncSession, person: Person, *, signs_in: bool, robot_prefix: str
) -> User:
    """The account of *person*, made now or brought up to date.

    Somebody who *signs_in* has the rights and groups that the source tells of. ``BadRequest`` if
    the name cannot be one here, or begins as those of robots do; ``Conflict`` if it is that of an
    account of another source: nobody takes over an account because a directory has the same name.
    """
    name = person.account_name
    rules.check_name("username", name)
    user = await session.scalar(
        select(User).where(User.username == name, User.deleted.is_(False)).with_for_update()
    )
    if user is None:
        rules.refuse_name_of_robot(name, robot_prefix)
        user = await create(session, person)
    elif user.source != person.source or user.source_id != source_id(person):
        raise Conflict(f"the name {name} is that of an account from elsewhere")
    else:
        await refresh_address(session, user, person.email)
    if signs_in:
        user.admin_role_in_auth = person.is_admin
        if person.source in GROUPS_OF:
            kind = GROUPS_OF[person.source]
            await groups.follow(session, user.user_id, kind, person.groups)
    await session.flush()
    return user


def source_id(person: Person) -> str:
    """What the source tells people apart by; names of directories have no case."""
    name = person.username.strip()
    return name.lower() if person.source == LDAP_AUTH else name


async def create(session: AsyncSession, person: Person) -> User:
    name = person.account_name
    await users.refuse_address_of_another(session, name)
    user = await users.create(
        session,
        username=name,
        email=await free_address(session, person.email),
        realname=person.realname[: rules.MAX_NAME],
        comment=COMMENTS[person.source],
        password_hash=None,
    )
    user.source, user.source_id = person.source, source_id(person)
    return user


async def refresh_address(session: AsyncSession, user: User, email: str) -> None:
    """Keep the address that the source tells, if it is one and nobody else has it."""
    if email == user.email:
        return
    found = await free_address(session, email)
    if found is None:
        return
    try:
        async with session.begin_nested():
            user.email = found
            await session.flush()
    except IntegrityError:  # somebody got it this moment
        log.info("an address is somebody else's", extra={"user": user.username})


async def free_address(session: AsyncSession, email: str) -> str | None:
    """The address, if it is one that nobody has, nor signs in with as a name."""
    if not 0 < len(email) <= rules.MAX_NAME or not rules.EMAIL.fullmatch(email):
        return None
    for target in ("email", "username"):
        if await users.is_taken(session, target=target, value=email):
            return None
    return email
