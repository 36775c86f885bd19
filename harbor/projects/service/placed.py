"""What is done: decide about things that belong to the system or to a project.

The paths of Harbor's API do not name the project of such a thing, so that who may do what follows
from where it belongs.
"""

from harbor.core import security
from harbor.core.api import Ctx
from harbor.core.errors import Forbidden, NotFound, Unauthorized
from harbor.core.i18n import Phrase
from harbor.projects.models import SYSTEM
from harbor.projects.service.projects import name_of


async def require(ctx: Ctx, resource: str, action: str, project_id: int) -> None:
    """Return if the caller may do that in the project of that id, or with ``SYSTEM`` globally.

    To all but administrators, a missing project is a closed one.
    """
    if project_id == SYSTEM:
        allowed = await ctx.wiring.may(ctx.principal, security.system(resource, action), "")
    else:
        name = await name_of(ctx.session, project_id)
        if name is None and ctx.principal.is_admin:
            raise NotFound(Phrase("project %(project)s not found", project=project_id))
        wanted = security.project(resource, action)
        allowed = None if name is None else await ctx.wiring.may(ctx.principal, wanted, name)
    if allowed is not None:
        ctx.project_id = project_id or None
    elif ctx.principal.known:
        raise Forbidden(
            Phrase(
                "%(name)s may not %(action)s %(resource)s",
                name=ctx.principal.name,
                action=action,
                resource=resource,
            )
        )
    else:
        raise Unauthorized(Phrase("unauthorized"))
