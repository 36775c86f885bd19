"""What is done: write the rules about repositories, put them in order, and explain them."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Select, and_, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import clock, rbac
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.oci import shown
from harbor.core.patterns import PatternInvalid, compiled, from_list
from harbor.core.quick import SessionPen
from harbor.core.wire import Time
from harbor.directory.models import UserGroup
from harbor.projects import schemas
from harbor.projects.models import EVERYBODY, GROUP, PERSON, RepositoryRule
from harbor.projects.service import members
from harbor.projects.service.projects import hold
from harbor.projects.service.ruling import (
    ABOUT,
    EVERY_MEMBER,
    NO_ROLE,
    ORDER,
    PROJECT_ADMIN,
    Rule,
    Subject,
    first_that_fits,
    ruled,
)
from harbor.projects.service.sight import REPOSITORY, SOME
from harbor.projects.service.standing import Standing
from harbor.users.models import User

MOST_RULES = 100  # of a project: a request may be compared with all of them
# Whoever leads a project does so in all of it.
GIVEN = frozenset((NO_ROLE, *rbac.ROLES)) - {PROJECT_ADMIN}
NONE = "none"  # the name of no role
ACTIONS = ("pull", "push", "delete")
Why = Literal["systemAdmin", "projectAdmin", "rule", "membership", "nothing"]


@dataclass(frozen=True, slots=True)
class Named:
    """A rule, the name of its subject, and its place among the others."""

    rule: RepositoryRule
    name: str  # "" for every member
    position: int  # from 1


def rules_of(project_id: int) -> "Select[RepositoryRule, str]":
    kind, subject_id = RepositoryRule.subject_type, RepositoryRule.subject_id
    return (
        select(RepositoryRule, func.coalesce(User.username, UserGroup.group_name, ""))
        .outerjoin(User, and_(kind == PERSON, subject_id == User.user_id))
        .outerjoin(UserGroup, and_(kind == GROUP, subject_id == UserGroup.id))
        .where(RepositoryRule.project_id == project_id)
        .order_by(RepositoryRule.position, RepositoryRule.id)
    )


async def listed(session: AsyncSession, project_id: int) -> list[Named]:
    """All rules of a project, in the order in which they are asked."""
    rows = [(rule, name) for rule, name in await session.execute(rules_of(project_id))]
    rows.sort(key=lambda row: ORDER.index(row[0].subject_type))
    return [Named(rule, name, n) for n, (rule, name) in enumerate(rows, start=1)]


async def get(session: AsyncSession, project_id: int, rule_id: int) -> Named:
    """The rule of that id, if the project has it; ``NotFound``."""
    for each in await listed(session, project_id):
        if each.rule.id == rule_id:
            return each
    raise NotFound(f"repository rule {rule_id} not found in project {project_id}")


async def create(
    session: AsyncSession, project_id: int, wanted: schemas.RepositoryRuleReq
) -> Named:
    """A new rule; ``BadRequest`` if it makes no sense, ``Conflict`` if there is one like it."""
    await hold(session, project_id)
    others = await listed(session, project_id)
    if len(others) >= MOST_RULES:
        raise BadRequest(f"the project has {MOST_RULES} repository rules, which is the limit")
    rule = RepositoryRule(project_id=project_id, position=len(others) + 1)
    await describe(session, rule, wanted)
    session.add(rule)
    await keep(session)
    await place(session, rule, wanted.position or len(others) + 1)
    return await get(session, project_id, rule.id)


async def change(
    session: AsyncSession, project_id: int, rule_id: int, wanted: schemas.RepositoryRuleReq
) -> Named:
    """Let a rule say what is *wanted*; without a position it stays where it is."""
    await hold(session, project_id)
    found = await get(session, project_id, rule_id)
    await describe(session, found.rule, wanted)
    await keep(session)
    await place(session, found.rule, wanted.position or found.position)
    return await get(session, project_id, rule_id)


async def move(session: AsyncSession, project_id: int, rule_id: int, *, by: int) -> Named:
    """Let a rule be asked so many places later, as far as the list goes."""
    await hold(session, project_id)
    found = await get(session, project_id, rule_id)
    await place(session, found.rule, max(found.position + by, 1))
    return await get(session, project_id, rule_id)


async def remove(session: AsyncSession, project_id: int, rule_id: int) -> Named:
    """Delete a rule; return what it was."""
    await hold(session, project_id)
    found = await get(session, project_id, rule_id)
    await session.delete(found.rule)
    return found


async def describe(
    session: AsyncSession, rule: RepositoryRule, wanted: schemas.RepositoryRuleReq
) -> None:
    """Let *rule* say what is *wanted*; ``BadRequest``."""
    if wanted.role_id not in GIVEN:
        known = ", ".join(map(str, sorted(GIVEN)))
        raise BadRequest(f"the role of a repository rule is one of {known}; 0 stands for none")
    subject = await subject_of(session, wanted.subject)
    rule.pattern = checked_pattern(wanted.pattern)
    rule.subject_type, rule.subject_id, rule.role = subject.kind, subject.id, wanted.role_id
    rule.update_time = clock.now()


async def subject_of(session: AsyncSession, told: schemas.RuleSubject) -> Subject:
    """Who is meant; ``BadRequest`` if there is nobody like that."""
    if told.type == "members":
        return EVERY_MEMBER
    if not told.id and not told.name:
        raise BadRequest(f"the subject of a rule about a {told.type} is an id or a name")
    if told.type == "group":
        meant = schemas.UserGroup(id=told.id, group_name=told.name)
        return Subject(GROUP, (await members.find_group(session, meant)).id)
    user = await members.resolve(session, schemas.UserEntity(told.id, told.name))
    return Subject(PERSON, user.user_id)


def checked_pattern(text: str) -> str:
    """What is kept of a pattern, or of several parted by commas; ``BadRequest``."""
    pattern = from_list(text)
    if len(pattern) > schemas.MAX_PATTERN:
        raise BadRequest(f"a pattern has at most {schemas.MAX_PATTERN} characters")
    try:
        compiled(pattern)
    except PatternInvalid as error:
        raise BadRequest(f"invalid pattern {shown(pattern)}: {error}") from error
    return pattern


async def keep(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict("there is a rule about the same subject and pattern already") from error


async def place(session: AsyncSession, rule: RepositoryRule, position: int) -> None:
    """Put *rule* where it is wanted, and number all of them anew."""
    rules = [each.rule for each in await listed(session, rule.project_id) if each.rule is not rule]
    rules.insert(position - 1, rule)
    rules.sort(key=lambda each: ORDER.index(each.subject_type))
    for number, each in enumerate(rules, start=1):
        each.position = number
    await session.flush()


async def matching(
    session: AsyncSession, project_id: int, pattern: str, most: int
) -> tuple[list[str], int]:
    """The first repositories whose names fit, without their project, and how many do."""
    named = select(REPOSITORY.c.name).where(REPOSITORY.c.project_id == project_id)
    names = [name.partition("/")[2] for name in await session.scalars(named)]
    fitting = []
    for count, name in enumerate(names, start=1):
        if first_that_fits((pattern,), name) is not None:
            fitting.append(name)
        if not count % SOME:
            await asyncio.sleep(0)
    return sorted(fitting)[:most], len(fitting)


async def effective(
    session: AsyncSession, project: Standing, asked: schemas.EffectiveQuery
) -> schemas.EffectiveRole:
    """Which role somebody has in a repository, and why; ``NotFound`` if there is no such user."""
    named = select(User).where(User.username == asked.user, User.deleted.is_(False))
    user = await session.scalar(named)
    if user is None:
        raise NotFound(f"user {shown(asked.user)} not found")
    held = await members.roles_of(session, project.project_id, user.user_id)
    pen = SessionPen(session)
    rows = await pen.run(ABOUT, project_id=project.project_id, user_id=user.user_id)
    decided = ruled(held, [Rule(*row) for row in rows]).of(asked.repository)
    roles = held
    why: Why = "membership" if held else "nothing"
    if user.is_admin:
        roles, why, decided = frozenset((PROJECT_ADMIN,)), "systemAdmin", None
    elif PROJECT_ADMIN in held:
        why, decided = "projectAdmin", None
    elif decided is not None:
        roles, why = decided.roles, "rule"
    role_id = rbac.highest(roles) or NO_ROLE
    rule = None if decided is None else await get(session, project.project_id, decided.id)
    return schemas.EffectiveRole(
        user=user.username,
        repository=asked.repository,
        role_id=role_id,
        role_name=role_name(role_id),
        decided_by=why,
        rule=None if rule is None else told(rule),
        public=project.is_public,
        actions=[
            action
            for action in ACTIONS
            if rbac.role_allows(roles, "repository", action)
            or (project.is_public and rbac.public_allows("repository", action))
        ],
    )


def role_name(role_id: int) -> str:
    return rbac.ROLES.get(role_id, NONE)


def said(named: Named) -> str:
    """A rule in one line, for the audit log."""
    who = {PERSON: named.name, GROUP: f"group {named.name}"}
    about = who.get(named.rule.subject_type, "every member")
    return f"{about}: {role_name(named.rule.role)} in {named.rule.pattern}"


def told(named: Named) -> schemas.RepositoryRule:
    """A rule as callers see it."""
    rule = named.rule
    subject = schemas.RuleSubject("members")
    if rule.subject_type != EVERYBODY:
        kind: Literal["user", "group"] = "user" if rule.subject_type == PERSON else "group"
        subject = schemas.RuleSubject(kind, rule.subject_id, named.name)
    return schemas.RepositoryRule(
        id=rule.id,
        project_id=rule.project_id,
        position=named.position,
        subject=subject,
        pattern=rule.pattern,
        role_id=rule.role,
        role_name=role_name(rule.role),
        creation_time=Time(rule.creation_time),
        update_time=Time(rule.update_time),
    )
