"""What is done: say what the rules of a project mean for robots.

Robots live on a higher floor. They have no role in a project: what they may do was given to them
one by one. Where a rule about a robot decides, the role that it names holds in place of that, for
what is in repositories. All else goes by what the robot was given, and whoever was given nothing
in a project is in none of its rules.
"""

from collections.abc import Collection

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    column,
    delete,
    false,
    or_,
    select,
    table,
)
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import clock, rbac
from harbor.core.machines import (
    NEVER,
    SEPARATOR,
    displayed,
    effective,
    mentions,
    stored,
)
from harbor.core.quick import Quick
from harbor.core.security import EVERYWHERE, Action, Robot
from harbor.projects.models import ROBOT, SYSTEM, Project, RepositoryRule
from harbor.projects.schemas import RuleSubject
from harbor.projects.service.ruling import Rule, Ruling, Subject, about, ruled

# Its table is named by string, as in a foreign key.
KNOWN = table(
    "robot",
    column("id"),
    column("project_id"),
    column("name"),
    column("permissions"),
    column("expires_at"),
    column("disabled"),
)
NO_ROLES: frozenset[int] = frozenset()
MOST = 1_000  # that a form lists
OF_ROBOT = (
    select(
        RepositoryRule.id,
        RepositoryRule.subject_type,
        RepositoryRule.pattern,
        RepositoryRule.role,
    )
    .where(
        RepositoryRule.project_id == bindparam("project_id"),
        RepositoryRule.subject_type == ROBOT,
        RepositoryRule.subject_id == bindparam("robot_id"),
    )
    .order_by(RepositoryRule.position, RepositoryRule.id)
)


class Machine(Struct, frozen=True):
    """A robot that was given something in a project."""

    robot: Robot
    name: str
    disabled: bool

    @property
    def is_active(self) -> bool:
        """Whether it may come in now."""
        ends = self.robot.expires_at
        return not self.disabled and (ends == NEVER or clock.now().timestamp() < ends)


async def ruling_of(quick: Quick, project_id: int, robot: Robot) -> Ruling:
    """What the rules of a project say of a robot; the roles in the project are none."""
    rows = await quick.fetch(OF_ROBOT, project_id=project_id, robot_id=robot.id)
    return ruled(NO_ROLES, [Rule(*row) for row in rows] if robot.is_in(project_id) else [])


async def rulings(
    session: AsyncSession, robot: Robot, within: ColumnElement[bool]
) -> dict[int, Ruling]:
    """The same for each project of that condition that has rules about the robot."""
    wanted = (
        select(
            RepositoryRule.project_id,
            RepositoryRule.id,
            RepositoryRule.subject_type,
            RepositoryRule.pattern,
            RepositoryRule.role,
        )
        .join(Project, Project.project_id == RepositoryRule.project_id)
        .where(about(Subject(ROBOT, robot.id)), within)
        .order_by(RepositoryRule.position, RepositoryRule.id)
    )
    rules: dict[int, list[Rule]] = {}
    for project_id, rule_id, kind, pattern, role in await session.execute(wanted):
        rules.setdefault(project_id, []).append(Rule(rule_id, kind, pattern, role))
    return {
        project_id: ruled(NO_ROLES, found)
        for project_id, found in rules.items()
        if robot.is_in(project_id)
    }


def given(robot: Robot, project_id: int, wanted: Collection[Action]) -> bool:
    """Whether a robot was given any of that, or without a wish anything in repositories."""
    asked = wanted or [each for each in rbac.ALLOWED if each[0] in rbac.IN_REPOSITORIES]
    return any(robot.may(project_id, *each) for each in asked)


def allows(roles: frozenset[int], wanted: Collection[Action]) -> bool:
    """Whether roles that rules give allow any of that, or without a wish anything at all."""
    return any(in_repositories(roles, each) for each in wanted) if wanted else bool(roles)


def in_repositories(roles: frozenset[int], wanted: Action) -> bool:
    return wanted[0] in rbac.IN_REPOSITORIES and rbac.role_allows(roles, *wanted)


def let_in(robot: Robot, wanted: Collection[Action]) -> ColumnElement[bool]:
    """The projects where rules let a robot do some of that in repositories, as a condition."""
    roles = [role for role in rbac.ROLES if allows(frozenset((role,)), wanted)]
    if not roles:
        return false()
    let = select(RepositoryRule.project_id).where(
        about(Subject(ROBOT, robot.id)), RepositoryRule.role.in_(roles)
    )
    but, ids = robot.places()
    named = Project.project_id.in_(ids)
    return and_(Project.project_id.in_(let), ~named if but else named)


def inside(project_id: int) -> "Select[int, int, str, str, int, bool, str | None]":
    """The robots that may be given something in a project: its own, and some of the system's."""
    permissions = KNOWN.c.permissions
    mentioned = or_(*[permissions.contains(mentions(each)) for each in (project_id, EVERYWHERE)])
    return (
        select(
            KNOWN.c.id,
            KNOWN.c.project_id,
            KNOWN.c.name,
            permissions,
            KNOWN.c.expires_at,
            KNOWN.c.disabled,
            Project.name,
        )
        .outerjoin(Project, Project.project_id == KNOWN.c.project_id)
        .where(
            or_(
                KNOWN.c.project_id == project_id,
                and_(KNOWN.c.project_id == SYSTEM, mentioned),
            )
        )
        .order_by(KNOWN.c.project_id.desc(), KNOWN.c.name)
    )


async def listed(session: AsyncSession, project_id: int, prefix: str) -> list[Machine]:
    """The robots that were given something in a project: its own, then the system's, by name."""
    return await found(session, inside(project_id), project_id, prefix)


async def find(
    session: AsyncSession, project_id: int, meant: RuleSubject, prefix: str, *, hold: bool = False
) -> Machine | None:
    """The robot of that id or name, with the prefix or without, if it was given something there."""
    wanted = inside(project_id)
    if meant.id:
        wanted = wanted.where(KNOWN.c.id == meant.id)
    else:
        project, plus, own = (meant.name or "").removeprefix(prefix).rpartition(SEPARATOR)
        whose = Project.name == project if plus else KNOWN.c.project_id == SYSTEM
        wanted = wanted.where(KNOWN.c.name == own, whose)
    if hold:  # so that it is not deleted meanwhile
        wanted = wanted.with_for_update(of=KNOWN, read=True)
    return next(iter(await found(session, wanted, project_id, prefix)), None)


async def found(
    session: AsyncSession,
    wanted: "Select[int, int, str, str, int, bool, str | None]",
    project_id: int,
    prefix: str,
) -> list[Machine]:
    machines = []
    for robot_id, home, name, permissions, expires_at, disabled, project in (
        await session.execute(wanted)
    ).all():
        robot = effective(robot_id, home, expires_at, permissions)
        if robot.is_in(project_id):
            called = displayed(prefix, stored(name, project))
            machines.append(Machine(robot, called, bool(disabled)))
    return machines


async def projects_of(session: AsyncSession, robot_id: int) -> set[int]:
    """Where there are rules about a robot."""
    wanted = select(RepositoryRule.project_id).where(about(Subject(ROBOT, robot_id)))
    return set(await session.scalars(wanted))


async def leave(session: AsyncSession, robot: Robot) -> None:
    """Take the rules about a robot where it has been given nothing any more."""
    ids = await projects_of(session, robot.id)
    left = [project_id for project_id in ids if not robot.is_in(project_id)]
    gone = about(Subject(ROBOT, robot.id)), RepositoryRule.project_id.in_(left)
    await session.execute(delete(RepositoryRule).where(*gone))


async def forget(session: AsyncSession, robot_id: int) -> None:
    """Take all rules about a robot that is gone."""
    await session.execute(delete(RepositoryRule).where(about(Subject(ROBOT, robot_id))))
