"""Who may ask, and where: the audit log, as a whole and of one project.

A line is shown by old operations and by new ones alike. Harbor keeps the old ones only for lines
that older versions wrote; here both tell the same, so that old clients go on seeing what is done.
"""

from harbor.audit import schemas
from harbor.audit import service as audit
from harbor.core.api import Ctx, Page, Routes
from harbor.core.errors import BadRequest, NotFound
from harbor.core.query import Listing
from harbor.core.security import project, signed_in, system
from harbor.core.wire import show

routes = Routes(prefix="/api/v2.0", tag="auditlog")
of_project = Routes(prefix="/api/v2.0", tag="project")


@routes.on("GET", "/auditlog-exts", allow=signed_in, fails=(BadRequest,))
async def list_audit_log_exts(ctx: Ctx, query: Listing) -> Page[schemas.AuditLogExt]:
    """List what was done: everything, or what was done in the projects that the caller leads."""
    found, total = await audit.search(ctx.session, query, within=audit.visible_to(ctx.principal))
    return Page([show(schemas.AuditLogExt, line) for line in found], total)


@routes.on("GET", "/audit-logs", allow=signed_in, fails=(BadRequest,))
async def list_audit_logs(ctx: Ctx, query: Listing) -> Page[schemas.AuditLog]:
    """List the same as older versions did, without descriptions and results."""
    found, total = await audit.search(ctx.session, query, within=audit.visible_to(ctx.principal))
    return Page([show(schemas.AuditLog, line) for line in found], total)


@routes.on("GET", "/auditlog-exts/events", allow=system("audit-log", "list"))
async def list_audit_log_event_types(ctx: Ctx) -> list[schemas.AuditLogEventType]:
    """List the kinds of events that ``disabled_audit_log_event_types`` may name."""
    return [schemas.AuditLogEventType(name) for name in audit.EVENT_TYPES]


@of_project.on(
    "GET",
    "/projects/{project_name}/auditlog-exts",
    allow=project("log", "list"),
    fails=(BadRequest, NotFound),
)
async def get_log_exts(ctx: Ctx, project_name: str, query: Listing) -> Page[schemas.AuditLogExt]:
    """List what was done in a project."""
    found, total = await audit.search(
        ctx.session, query, within=audit.of_project(ctx.known_project_id)
    )
    return Page([show(schemas.AuditLogExt, line) for line in found], total)


@of_project.on(
    "GET",
    "/projects/{project_name}/logs",
    allow=project("log", "list"),
    fails=(BadRequest, NotFound),
)
async def get_logs(ctx: Ctx, project_name: str, query: Listing) -> Page[schemas.AuditLog]:
    """List the same as older versions did, without descriptions and results."""
    found, total = await audit.search(
        ctx.session, query, within=audit.of_project(ctx.known_project_id)
    )
    return Page([show(schemas.AuditLog, line) for line in found], total)


routes.ops += of_project.ops
