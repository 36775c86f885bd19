"""Who may ask, and where: the OCI distribution API.

Source: OCI distribution-spec v1.1; Harbor src/server/registry.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import TypedDict, Unpack

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from harbor.artifacts.schemas import Place, Pull
from harbor.artifacts.service import accessories as accessories_of
from harbor.artifacts.service import (
    artifacts,
    blobs,
    deletion,
    manifests,
    names,
    redirects,
    trash,
    uploads,
)
from harbor.artifacts.service.history import Act
from harbor.artifacts.service.pulls import Pulls
from harbor.artifacts.service.pushing import enforced
from harbor.artifacts.service.pushing import push as push_manifest
from harbor.core import oci, wire
from harbor.core.api import Audit, AuditLine, Ctx, Routes
from harbor.core.blobs import SMALL, BlobResponse, etag, facts, unchanged
from harbor.core.errors import (
    BadRequest,
    BlobUnknown,
    Denied,
    DigestInvalid,
    InsufficientStorage,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameUnknown,
    PageInvalid,
    Precondition,
    RangeInvalid,
    ReferencedByOthers,
    SizeInvalid,
    TagInvalid,
    TooLarge,
    TooManyRequests,
    Unsupported,
    UploadBusy,
    UploadUnknown,
)
from harbor.core.manifests import OCI_INDEX
from harbor.core.oci import Digest, Reference
from harbor.core.security import Principal, project, signed_in, system
from harbor.projects import service as projects
from harbor.registry import schemas
from harbor.registry.answers import going_on, kept, next_page, one_more
from harbor.registry.chunks import body_of, chunk_of, length_of, small_body, take_bytes
from harbor.registry.hot import OWN_CLIENT, Answer, Hot

routes = Routes(prefix="/v2", tag="registry")
pull = project("repository", "pull")
push = project("repository", "push")
remove = project("repository", "delete")
MAX_N = 2**31 - 2  # one more is read, to see whether there is more


@routes.on("GET", "/", allow=signed_in, id="getV2", stream=True)
async def ping(ctx: Ctx) -> Response:
    """Say that this is a registry, and that the caller is known."""
    return Response(b"{}", media_type=wire.JSON)


@routes.on("GET", "/_catalog", allow=system("catalog", "read"), fails=(PageInvalid, BadRequest))
async def list_catalog(ctx: Ctx, query: schemas.ListQuery) -> Response:
    """List all repositories, sorted; to a robot those that no rule hides from it."""
    limit = number(query.n)
    sight = await projects.sight_in_catalogue(ctx.session, ctx.principal)
    if query.last and not await names.is_repository(ctx.session, sight, query.last):
        raise BadRequest(f"the repository {oci.shown(query.last)} in last does not exist")
    found = await names.repositories(ctx.session, sight, last=query.last, limit=one_more(limit))
    shown = found if limit is None else found[:limit]
    more = next_page("/v2/_catalog", limit, shown, more=len(found) > len(shown))
    return Response(wire.encode(schemas.Catalog(shown)), media_type=wire.JSON, headers=more)


@routes.on("GET", "/{name}/tags/list", allow=pull, fails=(NameUnknown, PageInvalid), stream=True)
async def list_tag_names(ctx: Ctx, name: str, query: schemas.ListQuery) -> Response:
    """List the tags of a repository, sorted."""
    limit = number(query.n)
    place = here(ctx, name)
    found = await names.tags(ctx.db.quick, place, last=query.last, limit=one_more(limit))
    shown = found if limit is None else found[:limit]
    more = next_page(f"/v2/{name}/tags/list", limit, shown, more=len(found) > len(shown))
    body = wire.encode(schemas.TagList(name, shown))
    if not ctx.request.url.query:
        headers = {"Content-Type": wire.JSON, "Content-Length": str(len(body))}
        remember(ctx, name, headers, body=body)
    return Response(body, media_type=wire.JSON, headers=more)


MANIFEST = "/{name}/manifests/{reference}"


@routes.on("GET", MANIFEST, allow=pull, fails=(ManifestUnknown, DigestInvalid), stream=True)
async def get_manifest(ctx: Ctx, name: str, reference: Reference) -> Response:
    """Fetch a manifest by tag or digest."""
    found = await artifacts.find(ctx.db.quick, here(ctx, name), reference)
    headers = {
        "Content-Type": found.media_type,
        "Content-Length": str(len(found.content)),
        "Docker-Content-Digest": found.digest,
        "ETag": etag(found.digest),
    }
    tag = None if oci.is_digest(reference) else reference
    target, project_id = name + reference.joined, ctx.project_id

    def pulled(who: Principal) -> Pull:
        line = AuditLine(who, "pull", "artifact", target, True, project_id)
        return Pull(found.artifact_id, found.repository_id, tag, line)

    remember(ctx, name, headers, body=found.content, pull=pulled)
    if unchanged(ctx.request, found.digest):
        del headers["Content-Length"]
        return Response(status_code=304, headers=headers)
    if ctx.request.method == "HEAD":
        return Response(headers=headers)
    if not ctx.request.headers.get("user-agent", "").startswith(OWN_CLIENT.decode()):
        ctx.the(Pulls).add(pulled(ctx.principal))
    return Response(found.content, headers=headers)


@routes.on(
    "PUT",
    MANIFEST,
    allow=push,
    status=201,
    fails=(
        ManifestInvalid,
        ManifestBlobUnknown,
        DigestInvalid,
        TagInvalid,
        TooLarge,
        Denied,
        Precondition,
    ),
    stream=True,
    audit=Audit("create", "artifact", "{name}{reference.joined}"),
)
async def put_manifest(ctx: Ctx, name: str, reference: Reference, raw: bytes) -> Response:
    """Keep a manifest whose blobs are already here."""
    media_type = ctx.request.headers.get("content-type", "")
    pushed = manifests.pushed(here(ctx, name), reference=reference, media_type=media_type, raw=raw)
    await push_manifest(ctx, pushed)
    location = f"/v2/{name}/manifests/{pushed.digest}"
    headers = {"Location": location, "Docker-Content-Digest": pushed.digest}
    if pushed.manifest.subject:
        headers["OCI-Subject"] = pushed.manifest.subject
    return Response(status_code=201, headers=headers)


@routes.on(
    "DELETE",
    MANIFEST,
    allow=remove,
    status=202,
    fails=(ManifestUnknown, NameUnknown, DigestInvalid, Precondition, ReferencedByOthers),
    audit=Audit("delete", "{reference.kind}", "{name}{reference.joined}"),
)
async def delete_manifest(ctx: Ctx, name: str, reference: Reference) -> Response:
    """Delete a tag, or, by digest, an artifact with all its tags and accessories."""
    if oci.is_digest(reference):
        await deletion.remove(ctx.session, here(ctx, name), reference, await trash.terms(ctx))
    else:
        act = Act(here(ctx, name), "delete", ctx.principal.name)
        await deletion.remove_tag(ctx.session, act, reference)
    return Response(status_code=202)


@routes.on("GET", "/{name}/referrers/{digest}", allow=pull, fails=(DigestInvalid,))
async def list_referrers(
    ctx: Ctx, name: str, digest: Digest, query: schemas.ReferrersQuery
) -> Response:
    """List the artifacts that name this digest as their subject, as an OCI index."""
    found = await accessories_of.referrers(
        ctx.session, here(ctx, name), digest, query.artifact_type
    )
    if not found:
        moved = await redirects.find(ctx.db.quick, name, project_too=False)
        if moved is not None and await redirects.may_pull(ctx, moved):
            raise NameUnknown(f"repository {name} not found")  # so that it is looked for there
    answer = schemas.Referrers([wire.show(schemas.ReferrerDescriptor, each) for each in found])
    headers = {"Content-Type": OCI_INDEX, "X-Total-Count": str(len(found))}
    if query.artifact_type:
        headers["OCI-Filters-Applied"] = "artifactType"
    return Response(wire.encode(answer), headers=headers)


BLOB = "/{name}/blobs/{digest}"


@routes.on("GET", BLOB, allow=pull, fails=(BlobUnknown, DigestInvalid, RangeInvalid), stream=True)
async def get_blob(ctx: Ctx, name: str, digest: Digest) -> Response:
    """Fetch a blob, or a range of it."""
    size = await blobs.size(ctx.db.quick, here(ctx, name), digest)
    headers = facts(digest) | {"Content-Length": str(size)}

    def keep(body: bytes | None) -> None:
        remember(ctx, name, headers, blob=digest, body=body)

    if unchanged(ctx.request, digest):
        return Response(status_code=304, headers=facts(digest))
    if ctx.request.method == "HEAD" or size > SMALL:
        keep(None)
    if ctx.request.method == "HEAD":
        return Response(headers=headers)
    return BlobResponse(ctx.request, ctx.store, digest, keep)


@routes.on(
    "DELETE",
    BLOB,
    allow=remove,
    status=202,
    fails=(BlobUnknown, DigestInvalid, Unsupported),
    audit=Audit("delete", "blob", "{name}@{digest}"),
)
async def delete_blob(ctx: Ctx, name: str, digest: Digest) -> Response:
    """Take a blob out of a repository, unless a manifest there needs it."""
    await blobs.remove(ctx.session, here(ctx, name), digest)
    return Response(status_code=202)


@routes.on(
    "POST",
    "/{name}/blobs/uploads/",
    allow=push,
    status=202,
    fails=(DigestInvalid, Denied, TooManyRequests, InsufficientStorage),
    stream=True,
)
async def start_upload(ctx: Ctx, name: str, query: schemas.UploadQuery) -> Response:
    """Begin an upload; mount the blob from elsewhere; or take all of it at once."""
    await redirects.refuse_former(ctx, here(ctx, name))
    if query.mount:
        digest = oci.parse_digest(query.mount)
        if await mount(ctx, here(ctx, name), digest, query.from_):
            return kept(name, digest)
    whole = oci.parse_digest(query.digest) if query.digest else None
    pushes = uploads.of(ctx, here(ctx, name), limited=await enforced(ctx))
    announced = length_of(ctx.request) or 0
    await pushes.require_room(whole, announced)
    upload_id = await pushes.begin()
    if whole is None:
        ctx.the(Hot).remember_begun(ctx.request.scope, ctx.principal, pushes)
        return going_on(name, upload_id, 0, 202)
    if (data := await small_body(ctx.request)) is not None:
        await pushes.keep(whole, data)
        return kept(name, whole)
    await pushes.start(upload_id)
    try:
        await pushes.append(upload_id, body_of(ctx.request), offset=None)
    except ClientDisconnect:
        await pushes.cancel(upload_id)  # nobody was told its id, so nobody can go on with it
        raise
    await pushes.finish(upload_id, whole, announced)
    return kept(name, whole)


UPLOAD = "/{name}/blobs/uploads/{upload_id}"


@routes.on("GET", UPLOAD, allow=push, status=204, fails=(UploadUnknown,), stream=True)
async def get_upload(ctx: Ctx, name: str, upload_id: str) -> Response:
    """Say how far an upload has come."""
    size = await uploads.of(ctx, here(ctx, name)).find(upload_id)
    return going_on(name, upload_id, size or 0, 204)


@routes.on(
    "PATCH",
    UPLOAD,
    allow=push,
    status=202,
    fails=(
        UploadUnknown,
        UploadBusy,
        RangeInvalid,
        SizeInvalid,
        BadRequest,
        TooManyRequests,
        InsufficientStorage,
    ),
    stream=True,
)
async def append_to_upload(ctx: Ctx, name: str, upload_id: str) -> Response:
    """Append bytes to an upload."""
    pushes = uploads.of(ctx, here(ctx, name))
    size = await take_bytes(ctx.request, pushes, upload_id, await pushes.find(upload_id))
    return going_on(name, upload_id, size, 202)


@routes.on(
    "PUT",
    UPLOAD,
    allow=push,
    status=201,
    fails=(
        UploadUnknown,
        UploadBusy,
        DigestInvalid,
        RangeInvalid,
        SizeInvalid,
        BadRequest,
        TooManyRequests,
        InsufficientStorage,
    ),
    stream=True,
)
async def finish_upload(
    ctx: Ctx, name: str, upload_id: str, query: schemas.FinishQuery
) -> Response:
    """Append the last bytes, check the digest, keep the blob."""
    digest = oci.parse_digest(query.digest)
    pushes = uploads.of(ctx, here(ctx, name), limited=await enforced(ctx))
    size = await pushes.find(upload_id)
    if size is None and (data := await small_body(ctx.request)) is not None:
        await pushes.keep(digest, data, upload_id)
        return kept(name, digest)
    offset, nbytes = chunk_of(ctx.request)
    announced = ((size or 0) if offset is None else offset) + (nbytes or 0)
    await pushes.require_room(digest, announced, upload_id)
    await take_bytes(ctx.request, pushes, upload_id, size)
    await pushes.finish(upload_id, digest, announced)
    return kept(name, digest)


@routes.on("DELETE", UPLOAD, allow=push, status=204, fails=(UploadUnknown,), stream=True)
async def cancel_upload(ctx: Ctx, name: str, upload_id: str) -> Response:
    """Forget an upload."""
    pushes = uploads.of(ctx, here(ctx, name))
    await pushes.find(upload_id)
    await pushes.cancel(upload_id)
    return Response(status_code=204)


def here(ctx: Ctx, name: str) -> Place:
    return Place(ctx.known_project_id, name)


class Remembered(TypedDict, total=False):
    body: bytes | None
    blob: Digest
    pull: Callable[[Principal], Pull]


def remember(ctx: Ctx, name: str, headers: Mapping[str, str], **more: Unpack[Remembered]) -> None:
    """Let the same request be answered from memory while nothing changes."""
    raw = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
    answer = Answer(name, raw, **more)
    ctx.the(Hot).remember(ctx.request.scope, ctx.principal, answer)


async def mount(ctx: Ctx, target: Place, digest: Digest, source: str) -> bool:
    """Whether the blob could be taken from *source*, or, without one, from the same project."""
    limited = await enforced(ctx)
    async for place in sources(ctx, target, digest, source):
        work = partial(blobs.mount, source=place, target=target, digest=digest, enforced=limited)
        if await ctx.db.quick.write(work):
            return True
    return False


async def sources(ctx: Ctx, target: Place, digest: Digest, source: str) -> AsyncIterator[Place]:
    """Where the caller may take a blob from, if it is there; a former name is looked for last."""
    if not source:
        named = await blobs.holders(ctx.db.quick, target.project_id, digest)
    else:
        named = [source] if oci.NAME.fullmatch(source) else []
    for name in named:
        source_id = await ctx.wiring.may(ctx.principal, pull, name)
        if source_id is not None:
            yield Place(source_id, name)
    if source and named:
        moved = await redirects.find(ctx.db.quick, source)
        if moved is not None and await redirects.may_pull(ctx, moved):
            yield moved


def number(text: str) -> int | None:
    """``n`` of a list; ``None`` if it was not given."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_N)) or int(text) > MAX_N:
        raise PageInvalid(f"invalid number of results requested: {oci.shown(text)}")
    return int(text)
