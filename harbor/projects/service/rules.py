"""What is done: write the rules about repositories, and put them in order."""

import asyncio
from typing import Literal

from msgspec import Struct
from sqlalchemy import Select, and_, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.configuration.service import Configuration
from harbor.core import clock, rbac
from harbor.core.api import Ctx
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound
from harbor.core.i18n import Phrase
from harbor.core.machines import displayed, stored
from harbor.core.oci import shown
from harbor.core.patterns import PatternInvalid, compiled, from_list
from harbor.core.security import Principal
from harbor.core.wire import Time
from harbor.directory.models import UserGroup
from harbor.projects import schemas
from harbor.projects.models import GROUP, PERSON, ROBOT, SYSTEM, Project, RepositoryRule
from harbor.projects.service import machines, members
from harbor.projects.service.projects import hold
from harbor.projects.service.ruling import (
    EVERY_MEMBER,
    NO_ROLE,
    ORDER,
    PROJECT_ADMIN,
    Subject,
    first_that_fits,
)
from harbor.projects.service.sight import REPOSITORY, SOME
from harbor.users.models import User

MOST_RULES = 100  # of a project: a request may be compared with all of them
# Whoever leads a project does so in all of it.
GIVEN = frozenset((NO_ROLE, *rbac.ROLES)) - {PROJECT_ADMIN}
NONE = "none"  # the name of no role
TOLD: dict[str, Literal["user", "group", "robot"]] = {
    PERSON: "user",
    GROUP: "group",
    ROBOT: "robot",
}


class Writer(Struct, frozen=True):
    """Who reads or writes rules, and what the names of robots begin with."""

    who: Principal
    prefix: str

    def check(self, rule: RepositoryRule) -> None:
        """``Forbidden`` to robots if it is about one: none gives itself more than it was given."""
        if rule.subject_type == ROBOT and self.who.robot is not None:
            raise Forbidden(
                Phrase(
                    "%(name)s is a robot; only people write rules about robots", name=self.who.name
                )
            )


class Named(Struct, frozen=True):
    """A rule, the name of its subject, and its place among the others."""

    rule: RepositoryRule
    name: str  # "" for every member
    position: int  # from 1


async def writer(ctx: Ctx) -> Writer:
    """The caller."""
    return Writer(ctx.principal, (await ctx.the(Configuration).current()).robot_name_prefix)


def rules_of(
    project_id: int,
) -> "Select[RepositoryRule, str, str | None, str | None, int | None]":
    """Rules, with the names of people and groups, and what the names of robots are made of."""
    kind, subject_id = RepositoryRule.subject_type, RepositoryRule.subject_id
    robot = machines.KNOWN.c
    return (
        select(
            RepositoryRule,
            func.coalesce(User.username, UserGroup.group_name, ""),
            robot.name,
            Project.name,
            robot.project_id,
        )
        .outerjoin(User, and_(kind == PERSON, subject_id == User.user_id))
        .outerjoin(UserGroup, and_(kind == GROUP, subject_id == UserGroup.id))
        .outerjoin(machines.KNOWN, and_(kind == ROBOT, subject_id == robot.id))
        .outerjoin(Project, Project.project_id == robot.project_id)
        .where(RepositoryRule.project_id == project_id)
        .order_by(RepositoryRule.position, RepositoryRule.id)
    )


async def listed(session: AsyncSession, project_id: int, by: Writer) -> list[Named]:
    """All rules of a project, in the order in which they are asked."""
    rows = []
    for rule, name, robot, project, home in await session.execute(rules_of(project_id)):
        own = None if home == SYSTEM else project
        rows.append((rule, name if robot is None else displayed(by.prefix, stored(robot, own))))
    rows.sort(key=lambda row: ORDER.index(row[0].subject_type))
    return [Named(rule, name, n) for n, (rule, name) in enumerate(rows, start=1)]


async def get(session: AsyncSession, project_id: int, rule_id: int, by: Writer) -> Named:
    """The rule of that id, if the project has it; ``NotFound``."""
    for each in await listed(session, project_id, by):
        if each.rule.id == rule_id:
            return each
    raise NotFound(
        Phrase(
            "repository rule %(rule_id)s not found in project %(project_id)s",
            rule_id=rule_id,
            project_id=project_id,
        )
    )


async def reach(session: AsyncSession, project_id: int, rule_id: int, by: Writer) -> Named:
    """The same for a caller who is to change it; no other rule of the project changes meanwhile."""
    await hold(session, project_id)
    found = await get(session, project_id, rule_id, by)
    by.check(found.rule)
    return found


async def create(
    session: AsyncSession, project_id: int, wanted: schemas.RepositoryRuleReq, by: Writer
) -> Named:
    """A new rule; ``BadRequest`` if it makes no sense, ``Conflict`` if there is one like it."""
    await hold(session, project_id)
    others = await listed(session, project_id, by)
    if len(others) >= MOST_RULES:
        raise BadRequest(
            Phrase("the project has %(most)s repository rules, which is the limit", most=MOST_RULES)
        )
    rule = RepositoryRule(project_id=project_id, position=len(others) + 1)
    await describe(session, rule, wanted, by)
    session.add(rule)
    await keep(session)
    await place(session, rule, wanted.position or len(others) + 1)
    return await get(session, project_id, rule.id, by)


async def change(
    session: AsyncSession,
    project_id: int,
    rule_id: int,
    wanted: schemas.RepositoryRuleReq,
    by: Writer,
) -> Named:
    """Let a rule say what is *wanted*; without a position it stays where it is."""
    found = await reach(session, project_id, rule_id, by)
    await describe(session, found.rule, wanted, by)
    await keep(session)
    await place(session, found.rule, wanted.position or found.position)
    return await get(session, project_id, rule_id, by)


async def move(
    session: AsyncSession, project_id: int, rule_id: int, by: Writer, *, later: int
) -> Named:
    """Let a rule be asked so many places later, as far as the list goes."""
    found = await reach(session, project_id, rule_id, by)
    await place(session, found.rule, max(found.position + later, 1))
    return await get(session, project_id, rule_id, by)


async def remove(session: AsyncSession, project_id: int, rule_id: int, by: Writer) -> Named:
    """Delete a rule; return what it was."""
    found = await reach(session, project_id, rule_id, by)
    await session.delete(found.rule)
    return found


async def describe(
    session: AsyncSession, rule: RepositoryRule, wanted: schemas.RepositoryRuleReq, by: Writer
) -> None:
    """Let *rule* say what is *wanted*; ``BadRequest``."""
    if wanted.role_id not in GIVEN:
        known = ", ".join(map(str, sorted(GIVEN)))
        raise BadRequest(
            Phrase(
                "the role of a repository rule is one of %(known)s; 0 stands for none", known=known
            )
        )
    subject = await subject_of(session, rule.project_id, wanted.subject, by)
    rule.pattern = checked_pattern(wanted.pattern)
    rule.subject_type, rule.subject_id, rule.role = subject.kind, subject.id, wanted.role_id
    by.check(rule)
    rule.update_time = clock.now()


async def subject_of(
    session: AsyncSession, project_id: int, told: schemas.RuleSubject, by: Writer
) -> Subject:
    """Who is meant; ``BadRequest`` if there is nobody like that."""
    if told.type == "members":
        return EVERY_MEMBER
    if not told.id and not told.name:
        raise BadRequest(
            Phrase("the subject of a rule about a %(type)s is an id or a name", type=told.type)
        )
    if told.type == "group":
        meant = schemas.UserGroup(id=told.id, group_name=told.name)
        return Subject(GROUP, (await members.find_group(session, meant)).id)
    if told.type == "robot":
        found = await machines.find(session, project_id, told, by.prefix, hold=True)
        if found is None:
            named = shown(told.name or str(told.id))
            raise BadRequest(
                Phrase(
                    "robot %(named)s not found, or it may do nothing in the project", named=named
                )
            )
        return Subject(ROBOT, found.robot.id)
    user = await members.resolve(session, schemas.UserEntity(told.id, told.name))
    return Subject(PERSON, user.user_id)


def checked_pattern(text: str) -> str:
    """What is kept of a pattern, or of several parted by commas; ``BadRequest``."""
    pattern = from_list(text)
    if len(pattern) > schemas.MAX_PATTERN:
        raise BadRequest(
            Phrase("a pattern has at most %(most)s characters", most=schemas.MAX_PATTERN)
        )
    try:
        compiled(pattern)
    except PatternInvalid as error:
        raise BadRequest(
            Phrase("invalid pattern %(pattern)s: %(why)s", pattern=shown(pattern), why=error.why)
        ) from error
    return pattern


async def keep(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(
            Phrase("there is a rule about the same subject and pattern already")
        ) from error


async def place(session: AsyncSession, rule: RepositoryRule, position: int) -> None:
    """Put *rule* where it is wanted, and number all of them anew."""
    wanted = select(RepositoryRule).where(RepositoryRule.project_id == rule.project_id)
    found = await session.scalars(wanted.order_by(RepositoryRule.position, RepositoryRule.id))
    rules = sorted(found, key=lambda each: ORDER.index(each.subject_type))
    rules.remove(rule)
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


def role_name(role_id: int) -> str:
    return rbac.ROLES.get(role_id, NONE)


def said(named: Named) -> str:
    """A rule in one line, for the audit log."""
    who = {PERSON: named.name, GROUP: f"group {named.name}", ROBOT: named.name}
    about = who.get(named.rule.subject_type, "every member")
    return f"{about}: {role_name(named.rule.role)} in {named.rule.pattern}"


def told(named: Named) -> schemas.RepositoryRule:
    """A rule as callers see it."""
    rule = named.rule
    subject = schemas.RuleSubject("members")
    if kind := TOLD.get(rule.subject_type):
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
