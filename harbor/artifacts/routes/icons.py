"""What may be asked, and by whom: the icons of artifacts."""

from harbor.artifacts.schemas import Icon
from harbor.artifacts.service import icons
from harbor.core import oci
from harbor.core.api import Ctx, Routes
from harbor.core.errors import DigestInvalid, NotFound
from harbor.core.security import anyone

routes = Routes(prefix="/api/v2.0", tag="icon")


@routes.on("GET", "/icons/{digest}", allow=anyone, fails=(DigestInvalid, NotFound), stream=True)
async def get_icon(ctx: Ctx, digest: str) -> Icon:
    """Show the icon of a kind of artifacts, or of artifacts that the caller may see."""
    wanted = oci.parse_digest(digest)
    found = await icons.built_in(wanted)
    if found is None:
        async with ctx.db.reading() as session:
            seen = await icons.is_seen(session, ctx.principal, wanted)
        found = await icons.of_layer(ctx.store, wanted) if seen else None
    if found is None:
        raise NotFound(f"icon {digest} not found")
    return Icon(found)
