"""What may be asked, and by whom: what things hold, what deleting them frees, how it grew."""

from datetime import datetime
from typing import Any

from harbor.artifacts import schemas
from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import (
    catalogue,
    freeing,
    growth,
    lines,
    repositories,
    storage,
    stored,
)
from harbor.artifacts.service.growth import STORE
from harbor.artifacts.service.storage import Holding
from harbor.core.api import Ctx, Routes
from harbor.core.errors import NotFound, Unavailable
from harbor.core.oci import Reference
from harbor.core.security import project, system
from harbor.core.wire import Time

routes = Routes(prefix="/api/v2.0", tag="storage")
REPOSITORY = "/projects/{project_name}/repositories/{repository_name}"


@routes.on("GET", "/statistics/storage", allow=system("quota", "list"))
async def get_store_storage(ctx: Ctx, query: schemas.StorageQuery) -> schemas.StoreStorage:
    """Tell how many bytes the store holds, and held at the end of each day."""
    nbytes = await stored.total(ctx.session)
    days = await growth.days(ctx.session, STORE, nbytes, query.days)
    return schemas.StoreStorage(nbytes, days)


@routes.on(
    "GET",
    "/projects/{project_name_or_id}/storage",
    allow=project("quota", "read"),
    fails=(NotFound,),
)
async def get_project_storage(
    ctx: Ctx, project_name_or_id: str, query: schemas.StorageQuery
) -> schemas.ProjectStorage:
    """Tell what a project holds, which repositories most of it, and how it grew."""
    found = await storage.seen_by(ctx.session, ctx.principal, ctx.known_project_id)
    unique = found.unique if ctx.principal.is_admin else None
    return schemas.ProjectStorage(
        nbytes=found.used,
        unique=unique,
        shared=None if unique is None else max(found.used - unique, 0),
        count_time=None if found.counted is None else Time(found.counted),
        repositories=[
            schemas.RepositoryStorage(name=each.name, **told(ctx, each.holding, found.counted))
            for each in found.largest
        ],
        days=await growth.days(ctx.session, ctx.known_project_id, found.used, query.days),
    )


@routes.on(
    "GET",
    f"{REPOSITORY}/storage",
    allow=project("repository", "read"),
    fails=(NotFound, Unavailable),
)
async def get_repository_storage(
    ctx: Ctx, project_name: str, repository_name: RepositoryName, query: schemas.ChosenQuery
) -> schemas.Storage:
    """Tell what a repository holds, or some of its artifacts, and what deleting it would free."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    repository_id = await repositories.find(ctx.session, place)
    if query.artifact_id:
        chosen = await lines.several(ctx.session, repository_id, query.artifact_id)
        return await of_chosen(ctx, repository_id, {line.id: line.digest for line in chosen})
    whole = [(repository_id, place.repository)]
    found = await storage.of_repositories(ctx.session, place.project_id, whole)
    if found is None:
        raise Unavailable("this repository is large, and was not counted yet; ask again later")
    return schemas.Storage(**told(ctx, found))


@routes.on(
    "GET",
    f"{REPOSITORY}/artifacts/{{reference}}/storage",
    allow=project("artifact", "read"),
    fails=(NotFound,),
)
async def get_artifact_storage(
    ctx: Ctx, project_name: str, repository_name: RepositoryName, reference: Reference
) -> schemas.Storage:
    """Tell what an artifact holds with all that goes with it, and what deleting it would free."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    known = await catalogue.find(ctx.session, place, reference)
    return await of_chosen(ctx, known.repository_id, {known.id: known.digest})


async def of_chosen(ctx: Ctx, repository_id: int, chosen: dict[int, str]) -> schemas.Storage:
    project_id = ctx.known_project_id
    found = await freeing.of_artifacts(ctx.session, project_id, repository_id, chosen)
    return schemas.Storage(**told(ctx, found))


def told(ctx: Ctx, found: Holding, counted: datetime | None = None) -> dict[str, Any]:
    """What is kept elsewhere is told to administrators only: others could find out with it whether
    somebody whose projects they may not see has a certain file.
    """
    moment = found.counted or counted
    return {
        "nbytes": found.nbytes,
        "freed": found.freed,
        "shared": found.nbytes - found.freed,
        "unique": found.unique if ctx.principal.is_admin else None,
        "at_least": found.at_least,
        "count_time": None if moment is None else Time(moment),
    }
