"""What is shown: how an artifact gets a tag, and loses some."""

from typing import Annotated

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.artifacts.schemas import Known, Place, RepositoryName
from harbor.artifacts.service import (
    addresses,
    catalogue,
    deletion,
    header,
    lines,
    repositories,
    tags,
)
from harbor.artifacts.service.history import Act
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import ngettext
from harbor.core.oci import Reference
from harbor.core.security import project
from harbor.core.ui import Confirm
from harbor.core.wire import Id

routes = Routes(prefix="/harbor", tag="artifactPages", pages=True)
TAGS = (
    "/projects/{project_name_or_id}/repositories/{repository_name}"
    "/artifacts-tab/artifacts/{reference}/tags"
)
MAX_NAME = 128


class Chosen(Struct):
    """The rows of a selection."""

    id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


class TagForm(Struct):
    name: Annotated[str, Meta(max_length=MAX_NAME)] = ""


class TagDialog(Struct, frozen=True):
    """The form of a new tag."""

    path: str  # of the artifact
    short: str


@routes.on("GET", f"{TAGS}/new", allow=project("tag", "create"), fails=(NotFound,))
async def new_tag(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, reference: Reference
) -> View:
    """Show the form of a new tag."""
    place = await header.place_of(ctx, repository_name)
    known = await catalogue.find(ctx.session, place, reference)
    short = lines.shortened(known.digest)
    return View("artifacts/tag_new.html", TagDialog(here(place, known), short))


@routes.on(
    "POST",
    f"{TAGS}/new",
    allow=project("tag", "create"),
    fails=(NotFound, BadRequest, Conflict),
    audit=Audit("create", "tag", "{repository_name}:{form.name}"),
)
async def add_tag(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    reference: Reference,
    form: TagForm,
) -> Response:
    """Give an artifact one more tag, from the form."""
    place, known = await held(ctx, repository_name, reference)
    name = form.name.strip()
    ctx.subject = f"{place.repository}:{name}"
    act = Act(place, "create", ctx.principal.name)
    with ui.at_field("name"):
        try:
            await tags.create(ctx.session, known, name, act)
        except BadRequest as error:
            raise BadRequest(
                _("A tag has letters, digits, dots, dashes and underscores, 128 at most.")
            ) from error
        except Conflict as error:
            raise Conflict(_("There is a tag of that name already.")) from error
    said = _("The tag %(name)s was added.") % {"name": name}
    return ui.done(ctx.request, here(place, known), said)


@routes.on("GET", f"{TAGS}/delete", allow=project("tag", "delete"), fails=(NotFound,))
async def ask_to_remove_tags(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: Chosen,
) -> View:
    """Ask before tags are removed."""
    place = await header.place_of(ctx, repository_name)
    known = await catalogue.find(ctx.session, place, reference)
    question = Confirm(
        title=_("Remove tags"),
        action=f"{here(place, known)}/tags/delete",
        submit=_("Remove"),
        text=_("The artifact stays, and can be pulled by its digest."),
        names=await tags.several(ctx.session, known.id, query.id),
        fields=[("id", str(each)) for each in query.id],
    )
    return View("confirm.html", question)


@routes.on(
    "POST",
    f"{TAGS}/delete",
    allow=project("tag", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "tag", "{form.id}"),
)
async def remove_tags(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    reference: Reference,
    form: Chosen,
) -> Response:
    """Take the chosen tags off an artifact, which stays."""
    place, known = await held(ctx, repository_name, reference)
    names = await tags.several(ctx.session, known.id, form.id)
    act = Act(place, "delete", ctx.principal.name)
    for name in names:
        await deletion.remove_tag(ctx.session, act, name)
        ctx.batch.append(Done(f"{place.repository}:{name}", True, place.project_id))
    said = ngettext("%(num)s tag was removed.", "%(num)s tags were removed.", len(names))
    return ui.done(ctx.request, here(place, known), said % {"num": len(names)})


async def held(ctx: Ctx, repository: RepositoryName, reference: Reference) -> tuple[Place, Known]:
    """The artifact, which nobody else changes or removes before the commit; ``NotFound``."""
    place = await header.place_of(ctx, repository)
    await repositories.hold(ctx.session, place)
    return place, await catalogue.find(ctx.session, place, reference)


def here(place: Place, known: Known) -> str:
    return addresses.of_artifact(place.project_id, place.repository, known.digest)
