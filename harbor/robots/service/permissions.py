"""What is done: read what a robot is to be given, and show it again."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import grantable
from harbor.core.errors import BadRequest, Denied, NotFound
from harbor.core.machines import Places, unpacked
from harbor.core.oci import shown
from harbor.core.security import (
    EVERYWHERE,
    NOTHING,
    OF_SYSTEM,
    Action,
    Given,
    Principal,
)
from harbor.projects.models import Project
from harbor.robots.schemas import Access, RobotPermission

SYSTEM, PROJECT = "system", "project"  # kinds, and levels
ROOT, ALL = "/", "*"  # namespaces that are no project
ALLOW, DENY = "allow", "deny"
GRANTABLE: Mapping[str, frozenset[Action]] = {
    kind: frozenset(grantable.pairs(table))
    for kind, table in ((SYSTEM, grantable.SYSTEM), (PROJECT, grantable.PROJECT))
}


def check(permissions: Iterable[RobotPermission], level: str) -> None:
    """Raise ``BadRequest`` for the first thing that no robot of that level can be given."""
    given = list(permissions)
    if not given:
        raise BadRequest("bad request empty permission")
    for each in given:
        check_one(each)
    if level == PROJECT and (len(given) != 1 or given[0].kind != PROJECT):
        raise BadRequest("bad request: a project robot has exactly one permission, for its project")
    if level == PROJECT and given[0].namespace == ALL:
        raise BadRequest("bad request: a project robot belongs to one project")


def check_one(permission: RobotPermission) -> None:
    kind, namespace = permission.kind, permission.namespace
    if kind not in GRANTABLE:
        raise BadRequest(f"bad request kind of permission: {shown(kind)}")
    if not permission.access:
        raise BadRequest(f"bad request empty access in {shown(namespace)}")
    if (kind == SYSTEM) != (namespace == ROOT):
        raise BadRequest(f"bad request namespace {shown(namespace)} of kind {kind}")
    for access in permission.access:
        pair = (access.resource, access.action)
        if pair not in GRANTABLE[kind]:
            raise BadRequest(f"bad request permission: {shown(':'.join(pair))}")
        if access.effect not in (ALLOW, DENY, ""):
            raise BadRequest(f"bad request effect: {shown(access.effect)}")


async def located(session: AsyncSession, permissions: Iterable[RobotPermission]) -> Places:
    """The same by the ids of projects; ``NotFound`` if one of them is not there."""
    given = list(permissions)
    names = {each.namespace for each in given if each.kind == PROJECT} - {ALL}
    named = select(Project.name, Project.project_id).where(
        Project.name.in_(sorted(names)), Project.deleted.is_(False)
    )
    found = (await session.execute(named)).all()
    ids = {ROOT: OF_SYSTEM, ALL: EVERYWHERE} | {row.name: row.project_id for row in found}
    places: Places = {}
    for each in given:
        place = ids.get(each.namespace)
        if place is None:
            raise NotFound(f"project {shown(each.namespace)} not found")
        before = places.get(place, NOTHING)
        places[place] = Given(
            before.allowed | those(each.access, denied=False),
            before.denied | those(each.access, denied=True),
        )
    return places


def those(access: Iterable[Access], *, denied: bool) -> frozenset[Action]:
    return frozenset(
        (each.resource, each.action) for each in access if (each.effect == DENY) == denied
    )


def refuse_more(who: Principal, places: Places) -> None:
    """``Denied`` to a robot that would give what it does not have itself."""
    robot = who.robot
    if robot is None:
        return
    for place, given in places.items():
        for resource, action in sorted(given.allowed - given.denied):
            if not robot.may(place, resource, action):
                raise Denied(f"{who.name} may not give {resource}:{action}, which it does not have")


async def names_of(session: AsyncSession, texts: Iterable[str]) -> dict[int, str]:
    """The names of all projects that are meant there, by id; not of those that are deleted."""
    ids = {place for text in texts for place in unpacked(text) if place > OF_SYSTEM}
    named = select(Project.project_id, Project.name).where(
        Project.project_id.in_(sorted(ids)), Project.deleted.is_(False)
    )
    return {row.project_id: row.name for row in (await session.execute(named)).all()}


def told(text: str, names: Mapping[int, str]) -> list[RobotPermission]:
    """What is kept, as callers see it."""
    known = {OF_SYSTEM: ROOT, EVERYWHERE: ALL, **names}
    return [
        RobotPermission(
            SYSTEM if place == OF_SYSTEM else PROJECT,
            known[place],
            [
                Access(resource, action, effect)
                for effect, actions in ((ALLOW, given.allowed), (DENY, given.denied))
                for resource, action in sorted(actions)
            ],
        )
        for place, given in unpacked(text).items()
        if place in known
    ]
