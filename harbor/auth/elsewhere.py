"""What is called by a former name: where it is now, told to those who may see it there."""

import re
from functools import partial
from urllib.parse import quote, unquote

from harbor.artifacts.schemas import Place
from harbor.artifacts.service import redirects
from harbor.charts.service import former
from harbor.charts.service.entries import FOLDED
from harbor.core import security
from harbor.core.api import Ctx
from harbor.core.errors import HarborError, Moved, NotFound
from harbor.core.oci import shown
from harbor.projects.service import redirects as projects

READ = security.project("project", "read")
MISSING = (401, 403, 404)  # as what is not there is refused
ID = re.compile("[0-9]{1,9}")  # of which no column has more
SLASHES = re.compile("//+")
LED_ON = {"harbor": 3, "chartrepo": 2}  # which segment of such a path is the project
TO_REPOSITORY = 2  # segments from there


async def explain(ctx: Ctx, error: HarborError) -> HarborError:
    """*error*, or, if what the path names is called otherwise now, and the caller may know that:
    a page and a chart repository lead on to it, everything else says so.
    """
    named = ctx.request.path_params
    reference = named.get("project_name") or named.get("project_name_or_id")
    if reference is None or error.status not in MISSING:
        return error
    is_id = "project_name" not in named and ID.fullmatch(reference) is not None
    repository_name = named.get("repository_name") or named.get("chart_name")
    if repository_name is not None:
        found = await repository(ctx, reference, unquote(repository_name), is_id=is_id)
    elif "filename" in named:
        found = await chart_file(ctx, reference) or await project(ctx, reference)
    else:
        found = None if is_id else await project(ctx, reference)
    return found or error


async def project(ctx: Ctx, former: str) -> HarborError | None:
    """What to say of a project that was called *former*."""
    renamed = await projects.find(ctx.db.quick, former)
    if renamed is None or renamed.deleted:
        return None
    if await ctx.wiring.may(ctx.principal, READ, renamed.name) is None:
        return None
    said = f"the project {shown(former)} is called {renamed.name} now"
    return led(ctx, said, quote(renamed.name))


async def repository(ctx: Ctx, reference: str, former: str, *, is_id: bool) -> HarborError | None:
    """What to say of a repository that was called *former* in that project."""
    if is_id:
        place = await redirects.inside(ctx.db.quick, int(reference), former)
    else:
        place = await redirects.find(ctx.db.quick, f"{reference}/{former}")
    if place is None or not await redirects.may_pull(ctx, place):
        return None
    said = f"the repository {shown(former)} of {shown(reference)} is called {place.repository} now"
    return led(ctx, said, str(place.project_id), place)


async def chart_file(ctx: Ctx, project_name: str) -> HarborError | None:
    """The way to the file of a chart whose repository was called otherwise, in that project."""
    folder, filename = map(ctx.request.path_params.get, ("folder", "filename"))
    name = f"{project_name}/{unquote(folder)}" if folder else project_name
    may = partial(redirects.may_pull, ctx)
    found = await former.find(ctx.db.quick, name, str(filename), may)
    if found is None:
        return None
    place, now = found
    project_now, _, own = place.repository.partition("/")
    at = own.rpartition("/")[0].replace("/", FOLDED)
    parts = ["/chartrepo", project_now, "charts", *([at] if at else []), quote(now)]
    return Moved(f"the chart {shown(str(filename))} is in {place.repository} now", "/".join(parts))


def led(ctx: Ctx, said: str, reference: str, place: Place | None = None) -> HarborError:
    """The way to the same of the project *reference*, or of the repository in *place*."""
    request = ctx.request
    raw = request.scope["raw_path"].partition(b"?")[0].decode("latin-1")
    parts = SLASHES.sub("/", raw).split("/")
    at = LED_ON.get(parts[1])
    if at is None or request.method not in ("GET", "HEAD"):
        return NotFound(said)
    parts[at] = reference
    if place is not None:
        parts[at + TO_REPOSITORY] = quote(place.repository.partition("/")[2], safe="")
    query = request.url.query
    return Moved(said, "/".join(parts) + (f"?{query}" if query else ""))
