"""What is done: list quotas, change their limits, and give every project one."""

from importlib import import_module

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    bindparam,
    case,
    delete,
    false,
    func,
    literal,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.configuration.service import Configuration
from harbor.core import clock, query
from harbor.core.db import Time
from harbor.core.errors import BadRequest, NotFound
from harbor.core.oci import shown
from harbor.core.quick import Pen, put_new
from harbor.core.wire import MAX_ID
from harbor.projects.events import ProjectCreated, ProjectDeleted
from harbor.projects.models import Project
from harbor.projects.service.projects import MAX_STORAGE
from harbor.quotas.models import STORAGE, UNLIMITED, ProjectBlob, Quota
from harbor.quotas.schemas import QuotaQuery, QuotaUpdateReq
from harbor.users.models import User

REFERENCE = "project"  # the only kind of thing that has quotas


class Known(Struct, frozen=True):
    """A quota, and the names that belong to it."""

    quota: Quota
    name: str  # of the project
    owner_name: str


def named(match: query.Match) -> ColumnElement[bool]:
    """The quotas of projects whose name matches, as a condition."""
    return Quota.project_id.in_(select(Project.project_id).where(match.on(Project.name)))


FIELDS: query.Fields = {
    "id": Quota.id,
    "reference_id": Quota.project_id,
    "name": named,
    "hard.storage": Quota.hard,
    "used.storage": Quota.used,
    "creation_time": Quota.creation_time,
    "update_time": Quota.update_time,
}
ORDERS: query.Fields = {
    **FIELDS,
    "hard.storage": case(
        (Quota.hard == UNLIMITED, literal(MAX_STORAGE + 1, BigInteger)), else_=Quota.hard
    ),
}


async def search(session: AsyncSession, asked: QuotaQuery) -> tuple[list[Known], int]:
    """One page of the quotas, and how many there are in all; without a limit is the largest."""
    wanted = [*query.conditions(asked.q, FIELDS), *of_reference(asked)]
    total = await session.scalar(select(func.count()).select_from(Quota).where(*wanted))
    page = (
        select(Quota)
        .where(*wanted)
        .order_by(*query.order(asked.sort, ORDERS), Quota.creation_time.desc(), Quota.id.desc())
        .limit(asked.page_size)
        .offset(asked.offset)
    )
    return await known(session, page), total or 0


def of_reference(asked: QuotaQuery) -> list[ColumnElement[bool]]:
    """What was asked for beside ``q``: texts, which may name nothing that there is."""
    found: list[ColumnElement[bool]] = []
    if asked.reference not in ("", REFERENCE):
        found.append(false())
    if asked.reference_id:
        digits = asked.reference_id.lstrip("0")
        is_number = digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_ID))
        project_id = int(digits) if is_number else 0
        found.append(Quota.project_id == project_id if 0 < project_id <= MAX_ID else false())
    return found


async def known(session: AsyncSession, page: "Select[Quota]") -> list[Known]:
    """The quotas of a page with their names: two statements for any number."""
    quotas = list(await session.scalars(page))
    names = (
        select(Project.project_id, Project.name, User.username)
        .join(User, User.user_id == Project.owner_id)
        .where(Project.project_id.in_([quota.project_id for quota in quotas]))
    )
    found = {row.project_id: row for row in await session.execute(names)}
    return [
        Known(quota, found[quota.project_id].name, found[quota.project_id].username)
        for quota in quotas
    ]


async def get(session: AsyncSession, quota_id: int, *, hold: bool = False) -> Known:
    """One quota; *hold* it until the transaction ends. ``NotFound``."""
    one = select(Quota).where(Quota.id == quota_id)
    found = await known(session, one.with_for_update() if hold else one)
    if not found:
        raise NotFound(f"quota {quota_id} not found")
    return found[0]


async def change(session: AsyncSession, quota_id: int, wanted: QuotaUpdateReq) -> Known:
    """Set another limit, which may be below what is used; ``BadRequest``, ``NotFound``."""
    given = dict(wanted.hard or {})
    limit = given.pop(STORAGE, None)
    if limit is None:
        raise BadRequest(f"the limit of the resource {STORAGE} is missing")
    if given:
        raise BadRequest(f"there is no resource {shown(min(given))} to be limited")
    if limit != UNLIMITED and not 0 < limit <= MAX_STORAGE:
        raise BadRequest(
            f"invalid limit of {STORAGE}: it is {UNLIMITED} for none, or 1 to {MAX_STORAGE} bytes"
        )
    found = await get(session, quota_id, hold=True)
    found.quota.hard = limit
    return found


COLUMNS = ("project_id", "hard", "used", "creation_time", "update_time")
MADE = put_new(Quota, *COLUMNS)
DROPPED = tuple(
    delete(table)
    .where(table.project_id == bindparam("of"))
    .execution_options(synchronize_session=False)
    for table in (Quota, ProjectBlob)
)


async def add(configuration: Configuration, pen: Pen, event: ProjectCreated) -> None:
    """Give a new project a quota: its own limit, or what a new project gets."""
    limit = event.storage_limit
    if limit is None:
        limit = (await configuration.current()).storage_per_project
    now = clock.now()
    await pen.run(
        MADE, project_id=event.project_id, hard=limit, used=0, creation_time=now, update_time=now
    )


async def remove(pen: Pen, event: ProjectDeleted) -> None:
    """Charge a deleted project for nothing any more.

    The quota goes first: whoever still pushes to the project then fails, or has committed before
    the rest goes.
    """
    for statement in DROPPED:
        await pen.run(statement, of=event.project_id)


async def seed(session: AsyncSession) -> None:
    """Give a quota to each project that has none, as the first one; two processes may at once."""
    dialect = import_module(f"sqlalchemy.dialects.{session.get_bind().dialect.name}")
    now = literal(clock.now(), Time)
    held = select(func.coalesce(func.sum(ProjectBlob.size), 0)).where(
        ProjectBlob.project_id == Project.project_id
    )
    without = select(
        Project.project_id, literal(UNLIMITED), held.scalar_subquery(), now, now
    ).where(
        Project.deleted.is_(False),
        ~select(Quota.id).where(Quota.project_id == Project.project_id).exists(),
    )
    made = dialect.insert(Quota).from_select(COLUMNS, without, include_defaults=False)
    await session.execute(made.on_conflict_do_nothing())
