"""What a caller may do in one project, or in one repository of it, all at once.

A personal access token is for some actions: ``pull``, ``push`` and ``delete`` are about what is
in repositories, by whatever road; ``read`` and ``write`` about everything else.
"""

from msgspec import Struct
from msgspec.structs import replace

from harbor.core import rbac
from harbor.core.oci import MAX_NAME
from harbor.core.quick import Quick
from harbor.core.security import Principal, Robot
from harbor.projects import service as projects
from harbor.projects.service import Standing, machines

NO_ROLE: frozenset[int] = frozenset()
NOTHING: frozenset[str] = frozenset()
LOOKS = frozenset(("list", "pull", "read"))


class Rights(Struct, frozen=True):
    is_admin: bool
    in_public: bool
    role_ids: frozenset[int] = NO_ROLE
    somewhere: frozenset[int] = NO_ROLE  # roles for what is in repositories, and nothing else
    only: frozenset[str] | None = None  # what the caller's token is for; None: it is no token
    robot: Robot | None = None
    project_id: int = 0  # where the robot asks
    ruled: bool = False  # in repositories, what the robot was given does not count

    def allow(self, resource: str, action: str) -> bool:
        if self.in_public and rbac.public_allows(resource, action):
            return True
        if self.only is not None and purpose(resource, action) not in self.only:
            return False
        return (
            self.is_admin
            or rbac.role_allows(self.role_ids, resource, action)
            or (
                resource in rbac.IN_REPOSITORIES
                and rbac.role_allows(self.somewhere, resource, action)
            )
            or self._was_given(resource, action)
        )

    def _was_given(self, resource: str, action: str) -> bool:
        if self.robot is None or (self.ruled and resource in rbac.IN_REPOSITORIES):
            return False
        return self.robot.may(self.project_id, resource, action)


def purpose(resource: str, action: str) -> str:
    """What a personal access token must be for, so that its owner's right counts."""
    looks = action in LOOKS
    if resource not in rbac.IN_REPOSITORIES:
        return "read" if looks else "write"
    if looks:
        return "pull"
    return "delete" if action == "delete" else "push"


def anyway(who: Principal, project: Standing) -> Rights:
    """What needs no role: the rights of administrators, and of anybody in a public project."""
    only = who.limits.within(project.project_id) if who.limits else None
    return Rights(who.leads, project.is_public, only=only)


async def rights_in(
    quick: Quick, who: Principal, project: Standing, repository: str = ""
) -> Rights:
    """All rights of *who* in *project*, or in its *repository*, a name with the project's.

    Of the project, who is no member but has a role in a repository sees what anybody sees of a
    public one.
    """
    bare = anyway(who, project)
    if not who.known or bare.is_admin or bare.only == NOTHING:
        return bare
    if who.robot is not None:
        return await rights_of_robot(quick, who.robot, project, repository)
    roles = await projects.roles_of(quick, project.project_id, who.known_id)
    if not project.has_rules or projects.PROJECT_ADMIN in roles:
        return replace(bare, role_ids=roles)
    ruling = await projects.ruling(quick, project.project_id, who.known_id, roles)
    own = repository.partition("/")[2]
    if own:
        return replace(bare, role_ids=ruling.roles_in(own))
    visits = not roles and bool(ruling.somewhere)
    return replace(
        bare,
        in_public=project.is_public or visits,
        role_ids=roles,
        somewhere=ruling.somewhere,
    )


async def rights_of_robot(
    quick: Quick, robot: Robot, project: Standing, repository: str = ""
) -> Rights:
    """All rights of a robot in *project*, or in its *repository*: what it was given there.

    Where a rule about the robot decides, its role holds instead, for what is in repositories; so
    no rule lets a robot do anything else in a project, or in the system.
    """
    held = Rights(False, project.is_public, robot=robot, project_id=project.project_id)
    if not project.has_rules:
        return held
    ruling = await machines.ruling_of(quick, project.project_id, robot)
    own = repository.partition("/")[2]
    if not own or not ruling.rules:
        return replace(held, somewhere=ruling.somewhere)
    if len(own) > MAX_NAME:  # there is none, and comparing would take long
        return replace(held, ruled=True)
    rule = ruling.of(own)
    return held if rule is None else replace(held, somewhere=rule.roles, ruled=True)
