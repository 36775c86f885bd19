"""What is shown: artifacts are copied to another repository."""

from functools import partial

from msgspec import Struct
from starlette.responses import Response

from harbor.artifacts.pages.selection import Chosen, here, named
from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import (
    addresses,
    copying,
    header,
    lines,
    redirects,
    repositories,
    targets,
)
from harbor.artifacts.service.copying import Asked
from harbor.artifacts.service.lines import Line
from harbor.artifacts.service.targets import Name, Target
from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.errors import BadRequest, Forbidden, HarborError, NameInvalid, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import ngettext
from harbor.core.oci import Reference
from harbor.core.security import project

routes = Routes(prefix="/harbor", tag="artifactPages", pages=True)
COPY = "/projects/{project_name_or_id}/repositories/{repository_name}/artifacts-tab/copy"
READ = project("artifact", "read")


class CopyForm(Chosen):
    """Where the chosen artifacts are to be copied."""

    project: Name = ""
    repository: Name = ""


class Typed(Chosen):
    """What somebody types into the field of the project."""

    project: Name = ""


class CopyDialog(Struct, frozen=True):
    path: str  # of the list
    lines: list[Line]
    target: Target

    @property
    def names(self) -> list[str]:
        return [named(line) for line in self.lines]


class Copied(Struct, frozen=True):
    """What became of each."""

    path: str
    target: str  # the page of the repository that has the copies
    name: str
    made: list[str]
    failed: list[tuple[str, str]]  # and why


@routes.on("GET", COPY, allow=READ, fails=(NotFound,))
async def choose_where_to_copy(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, query: Typed
) -> View:
    """Ask where the chosen artifacts shall be copied to; offer the projects with what is typed."""
    place, found = await chosen(ctx, repository_name, query.id)
    path, own = here(place), place.repository.partition("/")[2]
    asked = await targets.target(ctx, f"{path}/copy", query.project, project="", repository=own)
    return View("artifacts/copy.html", CopyDialog(path, found, asked))


@routes.on(
    "POST",
    COPY,
    allow=READ,
    fails=(NotFound, BadRequest, Forbidden, NameInvalid),
    stream=True,
    audit=Audit("create", "artifact", "{form.project}/{form.repository}"),
)
async def copy_artifacts(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, form: CopyForm
) -> View | Response:
    """Copy the chosen artifacts, each on its own; say of those that cannot be copied why."""
    async with ctx.db.reading() as ctx.transaction:
        place, found = await chosen(ctx, repository_name, form.id)
    ctx.transaction = None  # each copy has its own
    target = await targets.place_of(ctx, form.project, form.repository)
    enforced = (await ctx.the(Configuration).current()).quota_per_project_enable
    made: list[str] = []
    failed: list[tuple[str, str]] = []
    for line in found:
        what = f"{target.repository}@{line.digest}"
        ctx.batch[:] = [Done(what, True, target.project_id)]
        work = partial(
            copying.copy,
            asked=Asked(place, Reference(line.digest), target),
            refuse=redirects.refusing(ctx, target),
            enforced=enforced,
            by=ctx.principal.name,
        )
        try:
            await ctx.write(work)
        except HarborError as error:
            await ctx.db.quick.write(partial(ctx.record, succeeded=False))
            failed.append((named(line), error.told))
        else:
            made.append(named(line))
    path = addresses.of_repository(target.project_id, target.repository)
    if failed:
        return View(
            "artifacts/copied.html", Copied(here(place), path, str(target.repository), made, failed)
        )
    said = ngettext("%(num)s artifact was copied.", "%(num)s artifacts were copied.", len(made))
    there = found[0].digest if len(found) == 1 else ""
    link = addresses.of_artifact(target.project_id, target.repository, there) if there else path
    said = said % {"num": len(made)}
    return ui.done(ctx.request, here(place), said, link=(link, _("Show")), stays=True)


async def chosen(ctx: Ctx, repository: RepositoryName, ids: list[int]) -> tuple[Place, list[Line]]:
    place = await header.place_of(ctx, repository)
    repository_id = await repositories.find(ctx.session, place)
    return place, await lines.several(ctx.session, repository_id, ids)
