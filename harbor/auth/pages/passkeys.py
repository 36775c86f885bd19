"""What is shown: adding a passkey to one's own account, and taking one away."""

from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.auth import passkeys, second_factor, tickets
from harbor.auth.entry import challenge_of
from harbor.auth.pages.second_factor import (
    HERE,
    Proof,
    asked_of,
    caller,
    check_again,
    check_answer,
    told,
)
from harbor.auth.schemas import Answer, Question
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.crypto import Box
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import own_credentials
from harbor.core.wire import Id

routes = Routes(tag="portal", pages=True)
ONE = f"{HERE}/passkeys/{{passkey_id}}"


class NewPasskeyForm(Struct):
    """A passkey that the browser has made."""

    name: Annotated[str, Meta(max_length=passkeys.MAX_NAME)] = ""
    passkey: Annotated[str, Meta(max_length=passkeys.MAX_ANSWER)] = ""
    ticket: Annotated[str, Meta(max_length=4096)] = ""


class NewPasskey(Struct, frozen=True):
    """What the browser must be told to make one."""

    ticket: str
    options: str


class Removal(Struct, frozen=True):
    """Which passkey is to be removed, and what has to be shown first."""

    id: int
    name: str
    is_last: bool  # of all that makes the second factor
    asked: Question


@routes.on(
    "POST",
    f"{HERE}/passkey",
    allow=own_credentials,
    fails=(BadRequest, Forbidden),
    audit=Audit("update", "user", ""),
    stream=True,  # hashing takes long
)
async def begin_passkey(ctx: Ctx, form: Proof) -> View:
    """Let the browser make a passkey for the caller."""
    await check_again(ctx, form)
    who = await caller(ctx)
    purpose, box = second_factor.NEW_PASSKEY, ctx.the(Box)
    ticket = tickets.make(box, purpose, who, second_factor.TICKET_S)
    challenge = challenge_of(ctx, who, purpose, ticket)
    if challenge is None:
        raise BadRequest(_("Passkeys need HTTPS, and a name in the address."))
    async with ctx.db.reading() as session:
        options = await passkeys.to_make(session, box, who.user_id, who.username, challenge)
    return View("account/passkey_new.html", NewPasskey(ticket, options))


@routes.on(
    "POST",
    f"{HERE}/passkey/new",
    allow=own_credentials,
    fails=(BadRequest, Conflict, Forbidden),
    audit=Audit("update", "user", ""),
    stream=True,  # it is verified before the transaction begins
)
async def add_passkey(ctx: Ctx, form: NewPasskeyForm) -> View | Response:
    """Keep the passkey that the browser has made, and ask for it from now on."""
    ctx.subject = ctx.principal.name
    who = await caller(ctx)
    challenge = challenge_of(ctx, who, second_factor.NEW_PASSKEY, form.ticket)
    if challenge is None:
        raise Forbidden(_("That took too long. Begin again."))
    passkey = await passkeys.verified(challenge, form.passkey)
    async with ctx.writing() as session:
        try:
            codes = await second_factor.add_passkey(session, who.user_id, form.name, passkey)
        except Conflict as error:
            if error.field != "name":
                raise
            with ui.at_field("name"):
                raise Conflict(_("You have a passkey of that name already.")) from error
    return told(ctx, codes, _("The passkey was added."))


@routes.on("GET", ONE, allow=own_credentials, fails=(NotFound,))
async def ask_to_remove_passkey(ctx: Ctx, passkey_id: Id) -> View:
    """Ask for the second factor before a passkey is removed."""
    found = await passkeys.get(ctx.session, ctx.principal.known_id, passkey_id)
    kept = await second_factor.state(ctx.session, ctx.principal.known_id)
    asked = await asked_of(ctx)
    if kept is None or asked is None:
        raise NotFound(f"passkey {passkey_id} not found")
    is_last = len(kept.passkeys) == 1 and not kept.has_authenticator
    return View("account/passkey_remove.html", Removal(found.id, found.name, is_last, asked))


@routes.on(
    "POST",
    ONE,
    allow=own_credentials,
    fails=(Forbidden, NotFound),
    audit=Audit("update", "user", ""),
    stream=True,  # a wrong code makes wait: the transaction begins after it
)
async def remove_passkey(ctx: Ctx, passkey_id: Id, form: Answer) -> Response:
    """Remove one of the caller's passkeys."""
    await check_answer(ctx, form)
    async with ctx.writing() as session:
        await second_factor.remove_passkey(session, ctx.principal.known_id, passkey_id)
    return ui.done(ctx.request, HERE, _("The passkey was removed."))
