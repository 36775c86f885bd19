"""What is done: say in the reader's words what is wrong with what was entered."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from harbor.configuration.schemas import Values
from harbor.configuration.service import Configuration
from harbor.core import crypto, ui
from harbor.core.api import Ctx
from harbor.core.errors import BadRequest, Conflict
from harbor.core.i18n import gettext as _
from harbor.users.models import User
from harbor.users.schemas import NewPerson, UserProfile
from harbor.users.service import rules
from harbor.users.service.listing import is_taken, refuse_address_of_another
from harbor.users.service.people import create, update_profile


@contextmanager
def worded(field: str, words: str) -> Iterator[None]:
    """Let what is wrong inside be said with *words*, at that field of the form."""
    with ui.at_field(field):
        try:
            yield
        except BadRequest as error:
            raise BadRequest(words) from error


async def register(ctx: Ctx, entered: NewPerson) -> None:
    """Make the account that was entered. Hashing takes long: the transaction begins after it.

    ``BadRequest``, or ``Conflict`` if the name or the address is somebody's; ``Forbidden`` where
    people come from elsewhere.
    """
    values = await ctx.the(Configuration).current()
    rules.check_mode_for_new(values.auth_mode)
    async with ctx.db.reading() as session:
        await check_person(session, entered, values)
    password_hash = await crypto.hash_password(entered.password)
    with ui.at_field("username"):
        async with ctx.writing() as session:
            await refuse_address_of_another(session, entered.username)
            await create(
                session,
                username=entered.username,
                email=entered.email,
                realname=entered.realname,
                comment=entered.comment,
                password_hash=password_hash,
            )


async def check_person(session: AsyncSession, entered: NewPerson, values: Values) -> None:
    """Raise for the first thing that is wrong with a new account.

    ``BadRequest``, or ``Conflict`` if the name or the address is somebody's.
    """
    await check_username(session, entered.username, values)
    await check_email(session, entered.email)
    check_realname(entered.realname)
    check_passwords(entered.password, entered.confirm, at="password")
    check_comment(entered.comment)


async def check_username(session: AsyncSession, name: str, values: Values) -> None:
    with worded("username", no_name(name)):
        rules.check_name("username", name)
    prefix = values.robot_name_prefix
    like_robot = _("Names of robots begin with %(prefix)s; choose another one.")
    with worded("username", like_robot % {"prefix": prefix}):
        rules.refuse_name_of_robot(name, prefix)
    with ui.at_field("username"):
        if await is_taken(session, target="username", value=name) or await is_taken(
            session, target="email", value=name
        ):
            raise Conflict(_("There is an account of that name already."))


async def check_email(session: AsyncSession, email: str) -> None:
    with ui.at_field("email"):
        if not rules.EMAIL.fullmatch(email):
            raise BadRequest(_("Enter an e-mail address."))
        if await is_taken(session, target="email", value=email):
            raise Conflict(taken_address())


def check_realname(name: str) -> None:
    with worded("realname", no_name(name)):
        rules.check_name("realname", name)


def check_comment(comment: str) -> None:
    with ui.at_field("comment"):
        if len(comment) > rules.MAX_COMMENT:
            raise BadRequest(_("At most 30 characters."))


def check_passwords(password: str, confirm: str, *, at: str) -> None:
    """A new password, entered twice; the first is the field *at*."""
    with worded(at, broken_rule()):
        rules.check_password(password)
    with ui.at_field("confirm"):
        if password != confirm:
            raise BadRequest(_("The two passwords differ."))


async def save_profile(session: AsyncSession, user_id: int, entered: UserProfile) -> User:
    """Change a profile as it was entered; ``BadRequest``, ``Conflict``, ``NotFound``."""
    if entered.email:
        with ui.at_field("email"):
            if not rules.EMAIL.fullmatch(entered.email):
                raise BadRequest(_("Enter an e-mail address."))
    check_realname(entered.realname)
    check_comment(entered.comment)
    with worded("email", _("An address can be changed, but not taken away.")):
        try:
            return await update_profile(session, user_id, entered)
        except Conflict as error:
            raise Conflict(taken_address()) from error


async def wrong_with(ctx: Ctx, *, username: str, email: str) -> str:
    """What is wrong with a name, or else with an address, so far; "" if nothing is."""
    try:
        if username:
            values = await ctx.the(Configuration).current()
            await check_username(ctx.session, username, values)
        elif email and rules.EMAIL.fullmatch(email):  # it is typed letter by letter
            await check_email(ctx.session, email)
    except (BadRequest, Conflict) as error:
        return error.told
    return ""


def no_name(name: str) -> str:
    if not name:
        return _("Enter a name.")
    return _("These cannot be part of a name: %(signs)s") % {"signs": ' , " ~ # % $'}


def taken_address() -> str:
    return _("There is an account with that address already.")


def broken_rule() -> str:
    return _("8 to 128 characters, with a small letter, a capital letter and a digit.")
