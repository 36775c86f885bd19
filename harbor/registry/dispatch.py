"""``/v2`` as an ASGI app of its own: it splits the path itself.

Repository names hold slashes, so the end of a path says what it is. A list of patterns tried in
turn would cost more than the answer.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harbor.artifacts.service import redirects
from harbor.artifacts.service.pulls import Pulls
from harbor.core import oci, web
from harbor.core.api import Ctx, Op, Wiring, perform
from harbor.core.errors import (
    BlobUnknown,
    Denied,
    HarborError,
    ManifestBlobUnknown,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    NotFound,
    Unauthorized,
    Unsupported,
    UploadUnknown,
)
from harbor.core.security import Principal
from harbor.registry.hot import Hot

log = logging.getLogger(__name__)
READS = frozenset(("GET", "HEAD"))
CALLER = "harbor.caller"  # in the scope, once that is known
# What is said of a name that there is no project or no repository of.
NOT_THERE = (
    Unauthorized,
    NameUnknown,
    ManifestUnknown,
    BlobUnknown,
    UploadUnknown,
    ManifestBlobUnknown,
)
VERSION = (b"docker-distribution-api-version", b"registry/2.0")
UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
Parsed = tuple[str, dict[str, str]]

ROOT = "/v2/"
CATALOG = "/v2/_catalog"
TAGS = "/v2/{name}/tags/list"
MANIFEST = "/v2/{name}/manifests/{reference}"
REFERRERS = "/v2/{name}/referrers/{digest}"
BLOB = "/v2/{name}/blobs/{digest}"
UPLOADS = "/v2/{name}/blobs/uploads/"
UPLOAD = "/v2/{name}/blobs/uploads/{upload_id}"


class RegistryApp:
    """Serves the operations of this room."""

    def __init__(self, ops: Iterable[Op], wiring: Wiring, pulls: Pulls) -> None:
        self._authenticate = wiring.authenticate
        self._wiring = wiring = replace(wiring, authenticate=self._caller)
        # `docker manifest` looks for the version on every answer, errors included.
        self.hot = wiring.things[Hot] = Hot(wiring.db, wiring.store, pulls, [VERSION])
        self._ops: dict[str, dict[str, Op]] = defaultdict(dict)
        for op in ops:
            self._ops[op.path][op.method] = op
            if op.method == "GET":
                self._ops[op.path]["HEAD"] = op

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[web.HEADERS] = [VERSION]
        try:
            if scope["method"] in READS and await self.hot.serve(scope, receive, send):
                return
            if scope["method"] == "POST" and await self.hot.begin(scope, send):
                return
            op, request = self._find(scope), Request(scope, receive)
            try:
                answer = await perform(op, request, self._wiring)
            except HarborError as error:
                answer = await self._elsewhere(op, request, error)
            await answer(scope, receive, send)
        except HarborError as error:
            await web.render(error)(scope, receive, send)
        except ClientDisconnect:
            log.debug("client went away", extra={"path": scope["path"]})

    async def _caller(self, request: Request) -> Principal:
        """The caller, who is looked up once however often that is asked."""
        known = request.scope.get(CALLER)
        if known is None:
            known = request.scope[CALLER] = await self._authenticate(request)
        return known

    async def _elsewhere(self, op: Op, request: Request, error: HarborError) -> Response:
        """What the same request for the present name is answered with, where the one in the path
        is a former name; otherwise *error*. A push is only told the name.

        All that the caller gets is what they may have in the present place.
        """
        name = request.path_params.get("name")
        if name is None or not isinstance(error, NOT_THERE):
            raise error
        ctx = Ctx(request, self._wiring, principal=await self._caller(request))
        place = None
        if ctx.principal.tried:
            # Who was let in has seen that the project is there.
            refused = isinstance(error, Unauthorized)
            place = await redirects.find(ctx.db.quick, name, project_too=refused)
        if place is None or not await redirects.may_pull(ctx, place):
            raise error
        if request.method not in READS:
            raise Denied(f"{name} is called {place.repository} now; use that name")
        request.scope["path_params"] = request.path_params | {"name": place.repository}
        return await perform(op, request, self._wiring)

    def _find(self, scope: Scope) -> Op:
        """The operation that the path and method mean; its parameters go into the scope."""
        raw = scope.get("raw_path") or scope["path"].encode()
        path, scope["path_params"] = parse(raw.partition(b"?")[0], scope["method"])
        methods = self._ops[path]
        op = methods.get(scope["method"])
        if op is None:
            raise Unsupported(
                f"method {oci.shown(scope['method'])} is not allowed here",
                headers={"Allow": ", ".join(sorted(methods))},
            )
        return op


def parse(raw_path: bytes, method: str) -> Parsed:
    """What a path under ``/v2`` means: the pattern of an operation, and its parameters.

    Every part is checked against its grammar here, before anything else is done.
    """
    try:
        text = raw_path.decode("ascii")
    except UnicodeDecodeError as error:
        raise NotFound("page not found") from error
    # Segments first, escapes second: an escaped slash never becomes a separator.
    parts = [unquote(part) for part in text.split("/") if part][1:]
    if not parts:
        return ROOT, {}
    if parts == ["_catalog"]:
        return CATALOG, {}
    return in_repository(parts, method)


def in_repository(parts: list[str], method: str) -> Parsed:
    match parts:
        case [*name, "tags", "list"] if name:
            return TAGS, {"name": parsed_name(name)}
        case [*name, "manifests", reference] if name:
            return MANIFEST, {
                "name": parsed_name(name),
                "reference": parsed_reference(reference, method),
            }
        case [*name, "referrers", digest] if name:
            return REFERRERS, {"name": parsed_name(name), "digest": oci.parse_digest(digest)}
        case [*name, "blobs", "uploads"] if name:
            return UPLOADS, {"name": parsed_name(name)}
        case [*name, "blobs", "uploads", upload_id] if name:
            if not UPLOAD_ID.fullmatch(upload_id):
                raise UploadUnknown(f"blob upload {oci.shown(upload_id)} unknown to registry")
            return UPLOAD, {"name": parsed_name(name), "upload_id": upload_id}
        case [*name, "blobs", digest] if name:
            return BLOB, {"name": parsed_name(name), "digest": oci.parse_digest(digest)}
    raise NotFound("page not found")


def parsed_name(parts: list[str]) -> str:
    """A repository's name with its project; ``NameInvalid``."""
    if any("/" in part for part in parts):
        raise NameInvalid("invalid repository name: a slash may not be escaped")
    name = oci.parse_name("/".join(parts))
    if len(parts) == 1:
        raise NameInvalid(f"invalid repository name: {name}; it must be <project>/<repository>")
    return name


def parsed_reference(text: str, method: str) -> str:
    """A tag or a digest. What cannot be either was never pushed: 404, but 400 to a push."""
    if oci.is_digest(text):
        return oci.parse_digest(text)
    if method != "PUT" and not oci.TAG.fullmatch(text):
        raise ManifestUnknown(f"invalid reference format: {oci.shown(text)}")
    return oci.parse_tag(text)
