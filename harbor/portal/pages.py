"""What is shown: the start page, and the files that pages need."""

from pathlib import Path

import aiofiles
from starlette.requests import Request
from starlette.responses import Response

from harbor import __version__
from harbor.core import shipped
from harbor.core.api import Ctx, Routes, View
from harbor.core.errors import NotFound
from harbor.core.security import anyone
from harbor.portal import schemas

routes = Routes(tag="portal", pages=True)
STATIC = shipped.folder("templates") / "static"
FILES = frozenset(file.name for file in STATIC.iterdir())
TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@routes.on("GET", "/", allow=anyone)
async def home(ctx: Ctx) -> View:
    """Say what runs here and how to push to it."""
    host = host_of(ctx.request)
    steps = (
        schemas.Step("Log in", f"docker login {host}", "podman, helm and oras take the same name"),
        schemas.Step(
            "Name an image", f"docker tag hello {host}/library/hello:1.0", "project, name, tag"
        ),
        schemas.Step("Push it", f"docker push {host}/library/hello:1.0", ""),
        schemas.Step("Pull it anywhere", f"docker pull {host}/library/hello:1.0", ""),
    )
    secure = ctx.request.url.scheme == "https"
    return View("portal/home.html", schemas.Home(__version__, host, secure, steps))


@routes.on("GET", "/static/{name}", allow=anyone, fails=(NotFound,))
async def static(ctx: Ctx, name: str) -> Response:
    """Fetch a file that pages need."""
    if name not in FILES:
        raise NotFound("page not found")
    async with aiofiles.open(STATIC / name, "rb") as file:
        body = await file.read()
    headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(body, media_type=TYPES[Path(name).suffix], headers=headers)


def host_of(request: Request) -> str:
    """The name that this browser used; templates escape it."""
    return request.headers.get("host", request.url.netloc)
