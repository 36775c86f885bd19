"""What may be asked, and by whom: files and packages in the layers of an artifact."""

from contextlib import aclosing
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harbor.artifacts.schemas import Place, RepositoryName
from harbor.core.api import Ctx, Routes
from harbor.core.errors import BadRequest, NotFound, Unavailable
from harbor.core.oci import Digest, Reference, shown
from harbor.core.security import project
from harbor.core.storage.interface import BlobMissing
from harbor.explorer import schemas
from harbor.explorer.service import comparing, contents, installed, listing
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.listing import Layers

routes = Routes(prefix="/api/v2.0", tag="files")
ONE = "/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}"
FILES, PACKAGES, COMPARE = f"{ONE}/files", f"{ONE}/packages", f"{ONE}/compare"
READ = project("artifact-addition", "read")
FAILS = (BadRequest, NotFound, Unavailable)


@routes.on("GET", FILES, allow=READ, fails=FAILS, stream=True)
async def list_files(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: schemas.FileQuery,
) -> schemas.FileList:
    """List or search the files of an artifact, of all its layers merged or of one."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    (layers,) = await explored(ctx, (place, reference))
    return await listing.files(ctx.the(Explorer), layers, query)


@routes.on("GET", f"{FILES}/content", allow=project("repository", "pull"), fails=FAILS, stream=True)
async def get_file(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: schemas.ContentQuery,
) -> Response:
    """Download one file."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    (layers,) = await explored(ctx, (place, reference))
    if not layers.ready:
        raise Unavailable("the layers are being read, try again later")
    explorer = ctx.the(Explorer)
    view = await listing.view_of(explorer, layers, layers.number(query.layer))
    file = await contents.file_at(view, query.path)
    digest = Digest(layers.subject.layers[file.layer].digest)
    return FileResponse(explorer, digest, file, head=ctx.request.method == "HEAD")


@routes.on("GET", PACKAGES, allow=READ, fails=FAILS, stream=True)
async def list_packages(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: schemas.PackageQuery,
) -> schemas.PackageList:
    """List the packages that are installed in an image."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    (layers,) = await explored(ctx, (place, reference))
    return await installed.packages(ctx.the(Explorer), layers, query)


@routes.on("GET", COMPARE, allow=READ, fails=FAILS, stream=True)
async def compare_artifacts(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: schemas.CompareQuery,
) -> schemas.Comparison:
    """Tell an artifact from another one of the project: config, layers, packages, files."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    name = query.repository or repository_name
    base = Place(ctx.known_project_id, f"{project_name}/{name}")
    # What the caller may not see is not there.
    if await ctx.wiring.may(ctx.principal, READ, base.repository) is None:
        raise NotFound(f"repository {shown(base.repository)} not found")
    before, after = await explored(ctx, (base, Reference(query.base)), (place, reference))
    return await comparing.compare(ctx.the(Explorer), before, after, query)


async def explored(ctx: Ctx, *named: tuple[Place, Reference]) -> list[Layers]:
    """The layers of artifacts, with no transaction held open while they are read."""
    async with ctx.db.reading() as session:
        subjects = [await listing.subject_of(session, *each) for each in named]
    return await listing.explored(ctx.the(Explorer), *subjects)


class FileResponse(Response):
    """A file out of a layer, which no browser shows as a page of ours."""

    def __init__(
        self, explorer: Explorer, digest: Digest, file: contents.Place, *, head: bool
    ) -> None:
        self._pieces = contents.pieces(explorer, digest, file)
        name = quote(file.path.rpartition("/")[2])
        super().__init__(
            media_type="application/octet-stream",
            headers={
                "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
                "Content-Length": str(file.size),
                "Content-Security-Policy": "sandbox; default-src 'none'",
                "X-Content-Type-Options": "nosniff",
            },
        )
        self._head = head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._pieces) as pieces:
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            if self._head:
                await send(start)
                await send({"type": "http.response.body"})
                return
            # The first piece comes before the answer begins: until then there may be an error.
            try:
                piece = await anext(pieces, b"")
            except BlobMissing as error:
                raise NotFound("the layer is no longer in the store") from error
            await send(start)
            while piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await anext(pieces, b"")
            await send({"type": "http.response.body"})
