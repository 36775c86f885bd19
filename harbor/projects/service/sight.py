"""What is done: say which repositories somebody sees where rules hide some.

Patterns are no language of databases. So for the few whom rules concern, the names of such a
project's repositories are read and compared here; what is listed and counted is then chosen by
the database among the names that are left, so that pages and totals are right.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any

from msgspec import Struct, field
from sqlalchemy import ColumnElement, and_, column, or_, select, table, true
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.quick.statements import among_these
from harbor.core.security import Action, Principal, Robot
from harbor.projects.models import EVERYBODY, Project, ProjectMember, RepositoryRule
from harbor.projects.service import machines
from harbor.projects.service.ruling import PROJECT_ADMIN, Rule, about_them, ruled
from harbor.projects.service.standing import held_by, public

# It lives on a higher floor, so its table is named by string, as in a foreign key.
REPOSITORY = table("repository", column("project_id"), column("name"))
SOME = 500  # names, after which other requests get their turn


class Sight(Struct, frozen=True):
    """The repositories that somebody sees: by full name where rules decide, else all."""

    visible: Mapping[int, Collection[str]] = field(default_factory=dict)  # by project id

    def allows(self, project_id: Any, name: Any) -> ColumnElement[bool]:
        """The same as a condition on the columns that hold the two."""
        if not self.visible:
            return true()
        names = [each for names in self.visible.values() for each in names]
        return or_(project_id.not_in(list(self.visible)), among_these(name, names))

    def count(self, project_id: int, otherwise: int) -> int:
        """How many repositories of a project are seen, of which there are *otherwise*."""
        found = self.visible.get(project_id)
        return otherwise if found is None else len(found)


ALL = Sight()


async def sight_of(
    session: AsyncSession,
    who: Principal,
    project_ids: Collection[int] | None = None,
    *wanted: Action,
) -> Sight:
    """What *who* sees, in all projects or in those; rules hide nothing that everybody may see.

    Of robots, which may have any rights without others: where they may do something that is
    *wanted*, or without a wish anything.
    """
    if who.robot is not None:
        return await sight_of_robot(session, who.robot, project_ids, wanted)
    if who.leads or who.user_id is None:
        return ALL
    roles, rules = await concerning(session, who.user_id, project_ids)
    rulings = {project_id: ruled(roles[project_id], found) for project_id, found in rules.items()}
    hiding = {
        project_id: ruling
        for project_id, ruling in rulings.items()
        if not ruling.roles or any(not rule.role for rule in ruling.rules)
    }
    return await compared(
        session, hiding, lambda project_id, name: bool(hiding[project_id].roles_in(name))
    )


async def sight_of_robot(
    session: AsyncSession,
    robot: Robot,
    project_ids: Collection[int] | None,
    wanted: Collection[Action],
) -> Sight:
    """The same for a robot, which sees what rules let it see, and else what it was given."""
    there = true() if project_ids is None else Project.project_id.in_(project_ids)
    rulings = await machines.rulings(session, robot, and_(there, ~public()))
    otherwise = {each: machines.given(robot, each, wanted) for each in rulings}

    def sees(project_id: int, name: str) -> bool:
        rule = rulings[project_id].of(name)
        return otherwise[project_id] if rule is None else machines.allows(rule.roles, wanted)

    return await compared(session, rulings, sees)


async def sight_in_catalogue(session: AsyncSession, who: Principal) -> Sight:
    """What *who* sees of all repositories, with the right to list them: a right in the system,
    from which rules about a robot take what they hide, and to which they add nothing.
    """
    if who.robot is None:  # an administrator, whom no rule concerns
        return ALL
    rulings = await machines.rulings(session, who.robot, ~public())

    def sees(project_id: int, name: str) -> bool:
        rule = rulings[project_id].of(name)
        return rule is None or bool(rule.roles)

    return await compared(session, rulings, sees)


async def compared(
    session: AsyncSession, project_ids: Collection[int], sees: Callable[[int, str], bool]
) -> Sight:
    """What is seen where rules hide something, name by name; in all other projects, everything."""
    if not project_ids:
        return ALL
    visible: dict[int, list[str]] = {project_id: [] for project_id in project_ids}
    named = select(REPOSITORY.c.project_id, REPOSITORY.c.name).where(
        REPOSITORY.c.project_id.in_(list(project_ids))
    )
    for count, (project_id, name) in enumerate((await session.execute(named)).all(), start=1):
        if sees(project_id, name.partition("/")[2]):
            visible[project_id].append(name)
        if not count % SOME:
            await asyncio.sleep(0)
    return Sight(visible)


async def concerning(
    session: AsyncSession, user_id: int, project_ids: Collection[int] | None
) -> tuple[dict[int, frozenset[int]], dict[int, list[Rule]]]:
    """The roles of a person, and the rules that concern them, by private project with rules."""
    joined = and_(ProjectMember.project_id == RepositoryRule.project_id, held_by(user_id))
    everybody = and_(RepositoryRule.subject_type == EVERYBODY, ProjectMember.id.is_not(None))
    wanted = (
        select(
            RepositoryRule.project_id,
            ProjectMember.role,
            RepositoryRule.id,
            RepositoryRule.subject_type,
            RepositoryRule.pattern,
            RepositoryRule.role.label("given"),
        )
        .join(Project, Project.project_id == RepositoryRule.project_id)
        .outerjoin(ProjectMember, joined)
        .where(or_(about_them(user_id), everybody), ~public())
        .order_by(RepositoryRule.position, RepositoryRule.id)
    )
    if project_ids is not None:
        wanted = wanted.where(RepositoryRule.project_id.in_(project_ids))
    roles: dict[int, frozenset[int]] = defaultdict(frozenset)
    rules: dict[int, dict[int, Rule]] = defaultdict(dict)
    # Each rule comes once for every role that the person has there, alone or by a group.
    for project_id, role, rule_id, kind, pattern, given in await session.execute(wanted):
        roles[project_id] |= frozenset(() if role is None else (role,))
        rules[project_id][rule_id] = Rule(rule_id, kind, pattern, given)
    return roles, {
        project_id: list(found.values())
        for project_id, found in rules.items()
        if PROJECT_ADMIN not in roles[project_id]
    }
