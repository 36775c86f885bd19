"""What stands around every page, and pages that say what went wrong."""

from starlette.responses import HTMLResponse, Response

from harbor.core import html
from harbor.core.api import Ctx, View
from harbor.core.errors import HarborError
from harbor.core.web import render


async def show(ctx: Ctx, view: View) -> Response:
    """The view as HTML, within the frame."""
    return HTMLResponse(html.render(view.template, view.page), view.status, html.HEADERS)


async def show_error(ctx: Ctx, error: HarborError) -> Response:
    """What went wrong, as a page."""
    return render(error)
