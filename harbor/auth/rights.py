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
from harbor.projects.service.ruling import Ruling

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


class Reach(Struct, frozen=True):
    """All rights of a caller in a project, and in each repository of it."""

    held: Rights  # where no rule decides
    ruling: Ruling | None = None  # of a project that has rules, for whom they may concern

    def at(self, repository: str = "") -> Rights:
        """The rights in the project, or in its *repository*, a name with the project's.

        Of the project, who is no member but has a role in a repository sees what anybody sees of a
        public one.
        """
        own = repository.partition("/")[2]
        if self.ruling is None:
            return self.held
        if self.held.robot is not None:
            return self._of_robot(self.ruling, own)
        if own:
            return replace(self.held, role_ids=self.ruling.roles_in(own))
        visits = not self.held.role_ids and bool(self.ruling.somewhere)
        return replace(
            self.held,
            in_public=self.held.in_public or visits,
            somewhere=self.ruling.somewhere,
        )

    def _of_robot(self, ruling: Ruling, own: str) -> Rights:
        """Where a rule about the robot decides, its role holds instead, for what is in
        repositories; so no rule lets a robot do anything else in a project, or in the system.
        """
        if not own or not ruling.rules:
            return replace(self.held, somewhere=ruling.somewhere)
        if len(own) > MAX_NAME:  # there is none, and comparing would take long
            return replace(self.held, ruled=True)
        rule = ruling.of(own)
        if rule is None:
            return self.held
        return replace(self.held, somewhere=rule.roles, ruled=True)


async def reach_of(quick: Quick, who: Principal, project: Standing) -> Reach:
    """All rights of *who* in *project*."""
    bare = anyway(who, project)
    if not who.known or bare.is_admin or bare.only == NOTHING:
        return Reach(bare)
    if who.robot is not None:
        return await reach_of_robot(quick, who.robot, project)
    roles = await projects.roles_of(quick, project.project_id, who.known_id)
    held = replace(bare, role_ids=roles)
    if not project.has_rules or projects.PROJECT_ADMIN in roles:
        return Reach(held)
    return Reach(held, await projects.ruling(quick, project.project_id, who.known_id, roles))


async def reach_of_robot(quick: Quick, robot: Robot, project: Standing) -> Reach:
    """All rights of a robot in *project*: what it was given there."""
    held = Rights(False, project.is_public, robot=robot, project_id=project.project_id)
    if not project.has_rules:
        return Reach(held)
    return Reach(held, await machines.ruling_of(quick, project.project_id, robot))


async def rights_in(
    quick: Quick, who: Principal, project: Standing, repository: str = ""
) -> Rights:
    """All rights of *who* in *project*, or in its *repository*, a name with the project's."""
    return (await reach_of(quick, who, project)).at(repository)
