"""What is done: explain which role somebody has in a repository, and why."""

from typing import Literal

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import rbac
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import shown
from harbor.core.quick import SessionPen
from harbor.core.security import Robot
from harbor.projects import schemas
from harbor.projects.service import machines, members, rules
from harbor.projects.service.rules import Writer
from harbor.projects.service.ruling import ABOUT, NO_ROLE, PROJECT_ADMIN, Rule, ruled
from harbor.projects.service.standing import Standing
from harbor.users.models import User

ACTIONS = ("pull", "push", "delete")
NO_ROLES: frozenset[int] = frozenset()
Why = Literal[
    "systemAdmin", "projectAdmin", "rule", "membership", "permissions", "inactive", "nothing"
]


class Decision(Struct, frozen=True):
    """The roles of somebody in a repository, and where they come from."""

    why: Why
    roles: frozenset[int] = NO_ROLES
    rule: Rule | None = None
    robot: Robot | None = None  # where what it was given counts

    def allows(self, project: Standing, action: str) -> bool:
        return (
            rbac.role_allows(self.roles, "repository", action)
            or (project.is_public and rbac.public_allows("repository", action))
            or (self.robot is not None and self.robot.may(project.project_id, "repository", action))
        )


async def effective(
    session: AsyncSession, project: Standing, asked: schemas.EffectiveQuery, by: Writer
) -> schemas.EffectiveRole:
    """Which role somebody has in a repository, and why.

    ``NotFound`` if there is no such user, or no such robot that may do anything in the project;
    ``BadRequest`` unless it is asked about one of the two.
    """
    if bool(asked.user) == bool(asked.robot):
        raise BadRequest(Phrase("name either a user or a robot"))
    about = about_robot if asked.robot else about_user
    name, decided = await about(session, project, asked, by)
    role_id = rbac.highest(decided.roles) or NO_ROLE
    rule = None
    if decided.rule is not None:
        rule = rules.told(await rules.get(session, project.project_id, decided.rule.id, by))
    return schemas.EffectiveRole(
        user="" if asked.robot else name,
        robot=name if asked.robot else "",
        repository=asked.repository,
        role_id=role_id,
        role_name=rules.role_name(role_id),
        decided_by=decided.why,
        rule=rule,
        public=project.is_public,
        actions=[action for action in ACTIONS if decided.allows(project, action)],
    )


async def about_user(
    session: AsyncSession, project: Standing, asked: schemas.EffectiveQuery, by: Writer
) -> tuple[str, Decision]:
    named = select(User).where(User.username == asked.user, User.deleted.is_(False))
    user = await session.scalar(named)
    if user is None:
        raise NotFound(Phrase("user %(user)s not found", user=shown(asked.user)))
    held = await members.roles_of(session, project.project_id, user.user_id)
    if user.is_admin:
        return user.username, Decision("systemAdmin", frozenset((PROJECT_ADMIN,)))
    if PROJECT_ADMIN in held:
        return user.username, Decision("projectAdmin", held)
    pen = SessionPen(session)
    rows = await pen.run(ABOUT, project_id=project.project_id, user_id=user.user_id)
    rule = ruled(held, [Rule(*row) for row in rows]).of(asked.repository)
    if rule is not None:
        return user.username, Decision("rule", rule.roles, rule)
    return user.username, Decision("membership" if held else "nothing", held)


async def about_robot(
    session: AsyncSession, project: Standing, asked: schemas.EffectiveQuery, by: Writer
) -> tuple[str, Decision]:
    meant = schemas.RuleSubject("robot", name=asked.robot)
    found = await machines.find(session, project.project_id, meant, by.prefix)
    if found is None:
        named = shown(asked.robot)
        raise NotFound(
            Phrase("robot %(named)s not found, or it may do nothing in the project", named=named)
        )
    if not found.is_active:
        return found.name, Decision("inactive")
    rows = await SessionPen(session).run(
        machines.OF_ROBOT, project_id=project.project_id, robot_id=found.robot.id
    )
    rule = ruled(NO_ROLES, [Rule(*row) for row in rows]).of(asked.repository)
    if rule is not None:
        return found.name, Decision("rule", rule.roles, rule)
    return found.name, Decision("permissions", robot=found.robot)
