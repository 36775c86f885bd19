"""What is done: create, list, change and delete robots."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import ColumnElement, bindparam, delete, func, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from harbor.core import clock, machines, security
from harbor.core import query as q
from harbor.core.api import Ctx
from harbor.core.errors import BadRequest, Conflict, Denied, Forbidden, NotFound
from harbor.core.oci import shown
from harbor.core.query import Listing
from harbor.core.quick import Pen
from harbor.core.security import EVERYWHERE, OF_SYSTEM, Principal
from harbor.core.wire import MAX_ID, Time
from harbor.projects.events import ProjectDeleted
from harbor.projects.models import Project
from harbor.projects.service import machines as ruled
from harbor.robots import schemas
from harbor.robots.models import BY_ROBOT, BY_USER, Robot
from harbor.robots.service import names, permissions, secrets
from harbor.robots.service.permissions import PROJECT, SYSTEM
from harbor.users import service as users

COLUMNS: Mapping[str, InstrumentedAttribute[Any]] = {
    "id": Robot.id,
    "name": Robot.name,
    "description": Robot.description,
    "duration": Robot.duration,
    "expires_at": Robot.expires_at,
    "disabled": Robot.disabled,
    "disable": Robot.disabled,
    "editable": Robot.editable,
    "creator_type": Robot.creator_type,
    "creator_ref": Robot.creator_ref,
    "creation_time": Robot.creation_time,
    "update_time": Robot.update_time,
}
FORGOTTEN = delete(Robot).where(Robot.project_id == bindparam("project_id"))


class Home(NamedTuple):
    """Where a robot belongs: a project, or ``OF_SYSTEM`` without a name."""

    project_id: int
    project_name: str | None


class Named(Struct, frozen=True):
    """A robot, the name of its project, and the names of those where it may do something."""

    robot: Robot
    project_name: str | None
    names: Mapping[int, str]

    @property
    def stored(self) -> str:
        """Its name without the prefix."""
        return machines.stored(self.robot.name, self.project_name)

    @property
    def level(self) -> str:
        return level_of(self.robot.project_id)

    @property
    def permissions(self) -> list[schemas.RobotPermission]:
        return permissions.told(self.robot.permissions, self.names)


def level_of(project_id: int) -> str:
    return SYSTEM if project_id == OF_SYSTEM else PROJECT


def place_of(text: str) -> int:
    """Whose robots ``q`` asks for: the id of a project, or ``OF_SYSTEM``; ``BadRequest``."""
    asked = {q.folded(match.key): match.text for match in q.parse(text)}
    level = asked.get("level", SYSTEM)
    if level == SYSTEM:
        return OF_SYSTEM
    if level != PROJECT:
        raise BadRequest(f"bad request error level input: {shown(level)}")
    digits = asked.get("projectid", "")
    if not digits.isascii() or not digits.isdigit() or not 0 < int(digits[:11]) <= MAX_ID:
        raise BadRequest("must with project ID when to query project robots")
    return int(digits)


async def search(session: AsyncSession, project_id: int, asked: Listing) -> tuple[list[Named], int]:
    """One page of the robots of a project, or of the system, and how many there are."""
    project_name = await name_of(session, project_id)
    before = "" if project_name is None else f"{project_name}{machines.SEPARATOR}"

    def called(match: q.Match) -> ColumnElement[bool]:
        # With the name of the project, as in Harbor, or without.
        whole = literal(before).concat(Robot.name)
        return match.on(whole) | match.on(Robot.name)

    fields: q.Fields = {**COLUMNS, "name": called}
    wanted = [Robot.project_id == project_id, *q.conditions(asked.q, fields)]
    total = await session.scalar(select(func.count()).select_from(Robot).where(*wanted)) or 0
    ordered = q.order(asked.sort, COLUMNS) or [Robot.name.asc()]
    page = select(Robot).where(*wanted).order_by(*ordered, Robot.id)
    found = list(await session.scalars(page.limit(asked.page_size).offset(asked.offset)))
    return await named(session, found, project_name), total


async def named(
    session: AsyncSession, robots: Sequence[Robot], project_name: str | None
) -> list[Named]:
    """The same with names; all robots are of one place."""
    known = await permissions.names_of(session, [robot.permissions for robot in robots])
    return [Named(robot, project_name, known) for robot in robots]


async def name_of(session: AsyncSession, project_id: int) -> str | None:
    """The name of a project, ``None`` for the system; ``NotFound``."""
    if project_id == OF_SYSTEM:
        return None
    alive = Project.project_id == project_id, Project.deleted.is_(False)
    name = await session.scalar(select(Project.name).where(*alive))
    if name is None:
        raise NotFound(f"project {project_id} not found")
    return name


async def get(session: AsyncSession, robot_id: int, *, hold: bool = False) -> Named:
    """The robot of that id, held until the transaction ends if wanted; ``NotFound``."""
    wanted = select(Robot).where(Robot.id == robot_id)
    found = await session.scalar(wanted.with_for_update() if hold else wanted)
    if found is None:
        raise NotFound(f"robot {robot_id} not found")
    return (await named(session, [found], await name_of(session, found.project_id)))[0]


async def home_of(session: AsyncSession, wanted: schemas.RobotCreate) -> Home:
    """Where a new robot is to belong.

    ``BadRequest`` if there can be no such robot, ``NotFound`` if there is no such project.
    """
    if wanted.level not in (SYSTEM, PROJECT):
        raise BadRequest(f"bad request error level input: {shown(wanted.level)}")
    names.check_duration(wanted.duration)
    permissions.check(wanted.permissions, wanted.level)
    if wanted.level == SYSTEM:
        names.check_name(wanted.name, None)
        return Home(OF_SYSTEM, None)
    project_name = wanted.permissions[0].namespace
    names.check_name(wanted.name, project_name)
    (project_id,) = await permissions.located(session, wanted.permissions)
    return Home(project_id, project_name)


async def create(
    session: AsyncSession, home: Home, wanted: schemas.RobotCreate, *, who: Principal, prefix: str
) -> tuple[Named, str]:
    """A new robot and its secret, for a caller who may create one at *home*.

    ``BadRequest``, ``NotFound``; ``Denied`` if the caller is a robot and would give more than it
    has; ``Conflict`` if the name is taken.
    """
    places = await permissions.located(session, wanted.permissions)
    await refuse_more(session, who, places)
    name = machines.displayed(prefix, machines.stored(wanted.name, home.project_name))
    if await users.is_taken(session, target="username", value=name):
        raise Conflict(f"there is a user {name} already")
    secret, now = secrets.made(), clock.now()
    robot = Robot(
        project_id=home.project_id,
        name=wanted.name,
        description=wanted.description,
        secret=secrets.kept(secret),
        duration=wanted.duration,
        expires_at=names.end(now, wanted.duration),
        disabled=False,
        editable=True,
        creator_type=BY_USER if who.robot is None else BY_ROBOT,
        creator_ref=who.known_id if who.robot is None else who.robot.id,
        permissions=machines.packed(places),
        creation_time=now,
        update_time=now,
    )
    session.add(robot)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(f"robot {name} already exists") from error
    return (await named(session, [robot], home.project_name))[0], secret


async def change(
    session: AsyncSession, found: Named, wanted: schemas.RobotReq, *, who: Principal, prefix: str
) -> None:
    """Let a robot be what is *wanted*; ``BadRequest``, ``NotFound``, ``Denied``."""
    robot = found.robot
    refuse_inherited(robot)
    if wanted.level != found.level:
        raise BadRequest("bad request: the level of a robot cannot be changed")
    if wanted.name != machines.displayed(prefix, found.stored):
        raise BadRequest("bad request: the name of a robot cannot be changed")
    if wanted.duration is not None:
        names.check_duration(wanted.duration)
    permissions.check(wanted.permissions, found.level)
    places = await permissions.located(session, wanted.permissions)
    if robot.project_id != OF_SYSTEM and set(places) != {robot.project_id}:
        raise BadRequest("bad request: the project of a robot cannot be changed")
    await refuse_more(session, who, places)
    if wanted.duration is not None and wanted.duration != robot.duration:
        robot.duration = wanted.duration
        robot.expires_at = names.end(robot.creation_time, wanted.duration)
    robot.description, robot.disabled = wanted.description, wanted.disable
    robot.permissions = machines.packed(places)
    await session.flush()
    await ruled.leave(session, effective(robot))


async def remove(session: AsyncSession, found: Named) -> None:
    """Delete a robot, and the rules about repositories that are about it."""
    await ruled.forget(session, found.robot.id)
    await session.delete(found.robot)


def effective(robot: Robot) -> security.Robot:
    """What a robot may do now."""
    return machines.effective(robot.id, robot.project_id, robot.expires_at, robot.permissions)


async def refuse_more(session: AsyncSession, who: Principal, places: machines.Places) -> None:
    """``Denied`` to a robot that would give what it does not have itself.

    What rules take from it in single repositories, no robot that it makes shall have.
    """
    permissions.refuse_more(who, places)
    if who.robot is None:
        return
    for project_id in await ruled.projects_of(session, who.robot.id):
        if project_id in places or EVERYWHERE in places:
            raise Denied(f"{who.name} has other rights in some repositories, and may give none")


def refuse_inherited(robot: Robot) -> None:
    """``Forbidden`` for one whose rights an older Harbor wrote down in a way that is gone."""
    if not robot.editable:
        raise Forbidden(f"robot {robot.id} was made by an older Harbor; it can only be deleted")


async def renew(ctx: Ctx, chosen: str, reach: Callable[[bool], Awaitable[Named]]) -> str:
    """Give a robot another secret, and return it if it was made here and not *chosen*.

    *reach* finds the robot if the caller may change it, and holds it if it is told to.
    ``Forbidden`` for one of an older Harbor; ``BadRequest`` if the chosen one breaks the rule.
    Hashing that takes long: the operation's transaction begins after it.
    """
    async with ctx.db.reading() as ctx.transaction:
        refuse_inherited((await reach(False)).robot)
    made = "" if chosen else secrets.made()
    kept = secrets.kept(made) if made else await secrets.kept_of_chosen(chosen)
    async with ctx.writing():
        (await reach(True)).robot.secret = kept
    return made


async def forget(pen: Pen, event: ProjectDeleted) -> None:
    await pen.run(FORGOTTEN, project_id=event.project_id)


def told(found: Named, prefix: str) -> schemas.Robot:
    """A robot as callers see it."""
    robot = found.robot
    return schemas.Robot(
        id=robot.id,
        name=machines.displayed(prefix, found.stored),
        description=robot.description,
        level=found.level,
        duration=robot.duration,
        editable=robot.editable,
        disable=robot.disabled,
        expires_at=robot.expires_at,
        permissions=found.permissions,
        creator_type=robot.creator_type,
        creator_ref=robot.creator_ref,
        creation_time=Time(robot.creation_time),
        update_time=Time(robot.update_time),
    )
