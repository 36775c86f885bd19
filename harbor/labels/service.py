"""What is done: make, find, change and delete labels."""

import re
from collections.abc import Sequence

from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import query as q
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import Phrase
from harbor.labels.models import NO_PROJECT, Label
from harbor.labels.schemas import LabelQuery, LabelReq
from harbor.projects.models import Project

GLOBAL, PROJECT = "g", "p"
COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
FIELDS: q.Fields = {
    "id": Label.id,
    "name": Label.name,
    "description": Label.description,
    "color": Label.color,
    "scope": Label.scope,
    "project_id": Label.project_id,
    "creation_time": Label.creation_time,
    "update_time": Label.update_time,
}


def place(scope: str | None, project_id: int | None) -> int:
    """The project that a label of that scope belongs to, ``NO_PROJECT`` for a global one.

    ``BadRequest`` if the scope does not exist, or needs a project and none is named.
    """
    if scope == GLOBAL:
        return NO_PROJECT
    if scope != PROJECT:
        raise BadRequest(Phrase("invalid scope"))
    if not project_id:
        raise BadRequest(Phrase("invalid project_id: a label of scope p needs one"))
    return project_id


async def search(
    session: AsyncSession, project_id: int, query: LabelQuery
) -> tuple[list[Label], int]:
    """One page of the labels of a project, or of the global ones, and how many there are."""
    wanted = [
        Label.scope == (PROJECT if project_id else GLOBAL),
        Label.project_id == project_id,
        *q.conditions(query.q, FIELDS),
    ]
    if name := query.name.removeprefix("~"):  # Harbor's sign for "a part of it"; it is implied
        wanted.append(q.contains(Label.name, name))
    total = await session.scalar(select(func.count()).select_from(Label).where(*wanted))
    page = (
        select(Label)
        .where(*wanted)
        .order_by(*q.order(query.sort, FIELDS), Label.id)
        .limit(query.page_size)
        .offset(query.offset)
    )
    return list(await session.scalars(page)), total or 0


async def get(session: AsyncSession, label_id: int, *, hold: bool = False) -> Label:
    """The label of that id, unless its project is gone; *hold* it until the transaction ends."""
    alive = and_(Project.project_id == Label.project_id, Project.deleted.is_(False))
    wanted = select(Label).where(
        Label.id == label_id,
        or_(Label.scope == GLOBAL, select(Project.project_id).where(alive).exists()),
    )
    if hold:
        wanted = wanted.with_for_update(of=Label)
    found = await session.scalar(wanted)
    if found is None:
        raise NotFound(Phrase("label %(label_id)s not found", label_id=label_id))
    return found


async def several(
    session: AsyncSession, project_id: int, ids: Sequence[int], *, hold: bool = False
) -> list[Label]:
    """Those of *ids* that are labels of the project, or global ones, by name; ``NotFound``."""
    wanted = select(Label).where(Label.id.in_(ids), Label.project_id == project_id)
    if hold:
        wanted = wanted.with_for_update()
    found = list(await session.scalars(wanted.order_by(Label.name, Label.id)))
    if not found:
        raise NotFound(Phrase("none of these labels is there any more"))
    return found


async def create(session: AsyncSession, project_id: int, wanted: LabelReq) -> Label:
    """A new label of a project, or of the whole registry.

    ``BadRequest`` if name or colour are not allowed, ``Conflict`` if the name is taken there.
    """
    scope = PROJECT if project_id else GLOBAL
    label = Label(name="", description="", color="", scope=scope, project_id=project_id)
    session.add(describe(label, wanted))
    await keep(session, label)
    return label


async def change(session: AsyncSession, label: Label, wanted: LabelReq) -> None:
    """Give a label another name, description or colour; it stays where it is."""
    describe(label, wanted)
    await keep(session, label)


async def remove(session: AsyncSession, label: Label) -> None:
    """Delete a label; whatever carried it carries it no more."""
    await session.delete(label)


def describe(label: Label, wanted: LabelReq) -> Label:
    """*label* with what is told of it; what is not told stays as it was."""
    if wanted.name is not None:
        label.name = wanted.name
    if wanted.description is not None:
        label.description = wanted.description
    if wanted.color is not None:
        label.color = wanted.color
    if not label.name:
        raise BadRequest(Phrase("invalid name: a label has one of 1 to 128 characters"))
    if label.color and not COLOR.fullmatch(label.color):
        raise BadRequest(Phrase("invalid color: it is # and six hexadecimal digits, or empty"))
    return label


async def keep(session: AsyncSession, label: Label) -> None:
    name = label.name  # a failed flush forgets it
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(Phrase("label %(name)s already exists", name=name)) from error
