"""What is shown: the API's own description, in which every operation can be tried."""

from starlette.responses import Response

from harbor.apidocs import schemas
from harbor.core import html
from harbor.core.api import Ctx, Routes, View
from harbor.core.security import anyone

routes = Routes(tag="apidocs", pages=True)
# Swagger UI's style sheet holds its small pictures itself. An image cannot run anything, and
# everything else of the policy stays as strict as it is.
POLICY = html.HEADERS["Content-Security-Policy"].replace("img-src 'self'", "img-src 'self' data:")


@routes.on("GET", "/devcenter-api-2.0", allow=anyone)
async def api_page(ctx: Ctx) -> Response:
    """Show the API, and let operations be tried out."""
    answer = await ctx.wiring.show(ctx, View("apidocs/page.html", schemas.ApiPage("/openapi.json")))
    answer.headers["Content-Security-Policy"] = POLICY
    return answer
