"""Who may ask, and where: the system settings."""

from textwrap import shorten

from harbor.configuration import service as configuration
from harbor.configuration.service import Configuration
from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import Forbidden
from harbor.core.security import signed_in, system

routes = Routes(prefix="/api/v2.0", tag="configure")
MAX_SUBJECT = 1_024  # characters that a line of the audit log has for it


@routes.on("GET", "/configurations", allow=system("configuration", "read"))
async def get_configurations(ctx: Ctx) -> dict[str, object]:
    """Show every setting but the secrets, each as ``{"value", "editable"}``."""
    return await configuration.shown(ctx.the(Configuration))


@routes.on(
    "PUT",
    "/configurations",
    allow=system("configuration", "update"),
    fails=(Forbidden,),
    audit=Audit("update", "configuration", "configuration"),
    stream=True,  # reaching another server takes long: the transaction begins after it
    read_only_ok=True,  # or nobody could end the read-only mode
)
async def update_configurations(ctx: Ctx, body: dict[str, object]) -> None:
    """Change the settings that are named; the others, and those with null, stay as they are."""
    settings = ctx.the(Configuration)
    changes = configuration.accepted(settings, body)
    ctx.subject = shorten(", ".join(changes), MAX_SUBJECT)
    if endpoint := changes.get("audit_log_forward_endpoint"):
        await configuration.reach(str(endpoint))
    async with ctx.writing():
        await configuration.change(ctx, changes)


@routes.on("GET", "/internalconfig", allow=signed_in, fails=(Forbidden,))
async def get_internalconfig(ctx: Ctx) -> None:
    """Refuse: in Harbor this tells its other services everything, secrets included.

    Here there are no other services, and what nobody needs nobody gets.
    """
    raise Forbidden("the internal configuration is told to no one")
