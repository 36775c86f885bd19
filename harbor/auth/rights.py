"""What a caller may do in one project, all at once."""

from dataclasses import dataclass

from harbor.core import rbac
from harbor.core.quick import Quick
from harbor.core.security import Principal
from harbor.projects import service as projects
from harbor.projects.service import Standing

NO_ROLE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Rights:
    is_admin: bool
    in_public: bool
    role_ids: frozenset[int] = NO_ROLE

    def allow(self, resource: str, action: str) -> bool:
        return (
            self.is_admin
            or (self.in_public and rbac.public_allows(resource, action))
            or rbac.role_allows(self.role_ids, resource, action)
        )


async def rights_in(quick: Quick, who: Principal, project: Standing) -> Rights:
    """All rights of *who* in *project*, those of membership included."""
    roles = NO_ROLE
    if who.known and not who.is_admin:
        roles = await projects.roles_of(quick, project.project_id, who.known_id)
    return Rights(who.is_admin, project.is_public, roles)
