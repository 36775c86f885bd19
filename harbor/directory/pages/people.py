"""What is shown: the dialog that gives people of LDAP accounts here."""

from typing import Annotated

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.core import ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.errors import BadRequest, Unavailable
from harbor.core.i18n import gettext as _
from harbor.core.i18n import ngettext
from harbor.core.security import system
from harbor.directory import schemas
from harbor.directory.service.desk import Directory
from harbor.directory.service.people import Person

routes = Routes(prefix="/harbor", tag="groupPages", pages=True)
HERE = "/harbor/users"
MOST = 100  # that are shown


class SoughtPerson(Struct):
    """Whom to look for in LDAP."""

    username: schemas.Name = ""


class PeopleForm(Struct):
    """Whom to import."""

    uid: Annotated[list[schemas.Name], Meta(max_length=MOST)] = field(default_factory=list)


class FoundPeople(Struct, frozen=True):
    """The dialog, with who was found so far."""

    sought: str
    people: list[Person]
    more: bool
    wrong: str


@routes.on("GET", "/users/import", allow=system("ldap-user", "list"), stream=True)
async def find_ldap_people(ctx: Ctx, query: SoughtPerson) -> View:
    """Look for people in LDAP, to import them."""
    sought = query.username.strip()
    found: list[Person] = []
    wrong = ""
    if sought:
        try:
            found = await ctx.the(Directory).people(sought, part=True)
        except (Unavailable, BadRequest) as error:
            wrong = error.told
    page = FoundPeople(sought, found[:MOST], len(found) > MOST, wrong)
    return View("directory/import_people.html", page)


@routes.on(
    "POST",
    "/users/import",
    allow=system("ldap-user", "create"),
    fails=(BadRequest, Unavailable),
    audit=Audit("create", "user", "{form.uid}"),
    stream=True,  # LDAP may take its time: the transaction begins after it
)
async def import_ldap_people(ctx: Ctx, form: PeopleForm) -> Response:
    """Give the chosen people accounts."""
    with ui.at_field("username"):
        if not form.uid:
            raise BadRequest(_("Choose somebody."))
        failed = await ctx.the(Directory).bring_all(form.uid)
        if failed:
            raise BadRequest("; ".join(f"{each.uid}: {each.error}" for each in failed[:5]))
    ctx.batch += [Done(uid, True, None) for uid in form.uid]
    async with ctx.writing():
        pass  # the lines of the audit log
    count = len(form.uid)
    said = ngettext("%(num)s user was imported.", "%(num)s users were imported.", count)
    return ui.done(ctx.request, HERE, said % {"num": count})
