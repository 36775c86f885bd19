"""What is done: offer other projects and repositories in a dialog, and read what was chosen."""

from typing import Annotated

from msgspec import Meta, Struct

from harbor.artifacts.schemas import Place
from harbor.core import oci, ui
from harbor.core.api import Ctx
from harbor.core.errors import BadRequest, Forbidden, NameInvalid
from harbor.core.i18n import gettext as _
from harbor.core.security import project
from harbor.projects.service import listing as projects

PUSH = project("repository", "push")
OFFERED = 50  # projects
Name = Annotated[str, Meta(max_length=255)]


class Target(Struct, frozen=True):
    """What the fields show: *projects* are those that the caller may push to."""

    asked: str  # where more of them are asked for while somebody types
    project: str
    repository: str  # without the project
    projects: list[str]
    typing: bool  # only the projects are wanted


async def target(ctx: Ctx, asked: str, typed: str, *, project: str, repository: str) -> Target:
    """The fields with what they hold at first; projects are offered with what is *typed*."""
    offered = await projects.open_to_pushes(
        ctx.session, ctx.principal, containing=typed.strip(), most=OFFERED
    )
    typing = "project" in ctx.request.query_params
    return Target(asked, project, repository, offered, typing)


async def place_of(ctx: Ctx, project_name: str, repository: str) -> Place:
    """The repository that the fields name; what is wrong with it is said at its field."""
    name, own = project_name.strip(), repository.strip()
    with ui.at_field("project"):
        if not name:
            raise BadRequest(_("Choose a project."))
        there = f"{name}/{own}" if own else name
        project_id = await ctx.wiring.may(ctx.principal, PUSH, there)
        if project_id is None:
            raise Forbidden(_("There is no such project that you may push to."))
    place = Place(project_id, f"{name}/{own}")
    with ui.at_field("repository"):
        try:
            oci.parse_name(place.repository)
        except NameInvalid as error:
            raise NameInvalid(
                _("A name has lowercase letters, digits, and single . - _ / between them.")
            ) from error
    return place
