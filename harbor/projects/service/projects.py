"""What is done: find, create, change and delete projects."""

import re
from collections.abc import Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.configuration.schemas import Values
from harbor.core import clock
from harbor.core.db import insert_or_ignore
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound, Precondition
from harbor.core.i18n import Phrase
from harbor.core.security import OF_SYSTEM, Principal
from harbor.projects.models import PERSON, Project, ProjectMember, RepositoryRule
from harbor.projects.schemas import ProjectReq
from harbor.projects.service import allowlists, redirects
from harbor.projects.service import metadata as meta
from harbor.projects.service.listing import has_repositories
from harbor.projects.service.ruling import PROJECT_ADMIN
from harbor.projects.service.standing import id_of, is_id
from harbor.users.models import ADMIN_ID, User

LIBRARY_ID = 1
NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
MAX_NAME = 255
MAX_STORAGE = 1024**5  # bytes
UNLIMITED = -1


async def find(session: AsyncSession, name: str) -> Project:
    """The project of that name, unless it is deleted; ``NotFound``."""
    found = None
    if "\0" not in name:  # PostgreSQL cannot even be asked
        named = select(Project).where(Project.name == name, Project.deleted.is_(False))
        found = await session.scalar(named)
    if found is None:
        raise NotFound(Phrase("project %(project)s not found", project=name))
    return found


async def find_by_reference(session: AsyncSession, reference: str, *, is_name: bool) -> Project:
    """The project that a path names: digits are an id, unless the caller says that they are not."""
    if is_name or not is_id(reference):
        return await find(session, reference)
    project_id = id_of(reference)
    found = None if project_id is None else await session.get(Project, project_id)
    if found is None or found.deleted:
        raise NotFound(Phrase("project %(project)s not found", project=reference))
    return found


async def name_of(session: AsyncSession, project_id: int) -> str | None:
    """The name of that project, unless it is deleted."""
    alive = Project.project_id == project_id, Project.deleted.is_(False)
    return await session.scalar(select(Project.name).where(*alive))


async def create(
    session: AsyncSession, *, name: str, owner_id: int, metadata: Mapping[str, str]
) -> Project:
    """A new project whose owner is its first admin.

    ``BadRequest`` if the name or the metadata is not allowed, ``Conflict`` if the name is taken.
    """
    if not is_name(name):
        raise BadRequest(Phrase("project name is not in lower case or contains illegal characters"))
    kept = meta.of_new(metadata)
    now = clock.now()
    project = Project(name=name, owner_id=owner_id, creation_time=now, update_time=now)
    session.add(project)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(Phrase("The project named %(name)s already exists", name=name)) from error
    await redirects.end(session, name)
    await furnish(session, project.project_id, owner_id, kept)
    return project


def is_name(text: str) -> bool:
    """Whether a project can be named so."""
    return len(text) <= MAX_NAME and NAME.fullmatch(text) is not None


async def owner_of_new(session: AsyncSession, who: Principal) -> tuple[int, bool]:
    """Who is to own a new project of *who*, and whether that caller may do all with it.

    Robots that may create projects do it for the first administrator; others are ``Forbidden``.
    """
    if who.robot is None:
        return who.known_id, who.is_admin
    if not who.robot.may(OF_SYSTEM, "project", "create"):
        raise Forbidden(Phrase("%(name)s may not create project", name=who.name))
    leading = User.sysadmin_flag.is_(True), User.deleted.is_(False)
    return await session.scalar(select(func.min(User.user_id)).where(*leading)) or ADMIN_ID, True


def check_creator(values: Values, *, is_admin: bool) -> None:
    """``Forbidden`` where new projects are the business of administrators."""
    if values.project_creation_restriction == "adminonly" and not is_admin:
        raise Forbidden(Phrase("Only system admin can create project"))


def storage_limit(asked: int | None, values: Values, *, is_admin: bool) -> int | None:
    """The limit of a new project in bytes; ``None`` for whatever a new project gets.

    Only an administrator's word counts, and none where projects have no quotas. ``BadRequest``
    for a limit that cannot be.
    """
    if not asked or not is_admin or not values.quota_per_project_enable:
        return None
    if asked != UNLIMITED and not 0 < asked <= MAX_STORAGE:
        raise BadRequest(
            Phrase(
                "invalid storage_limit: it is %(unlimited)s for none, or up to %(most)s bytes",
                unlimited=UNLIMITED,
                most=MAX_STORAGE,
            )
        )
    return asked


def check_registry(registry_id: int | None, *, is_admin: bool) -> None:
    """Refuse a proxy cache: it needs an administrator, and a registry, and there is none yet."""
    if registry_id is None:
        return
    if not is_admin:
        raise Forbidden(Phrase("Only system admin can create proxy cache project"))
    if registry_id <= 0:
        raise BadRequest(
            Phrase(
                "bad request: %(registry_id)s is invalid value of registry_id, "
                "it should be geater than 0",
                registry_id=registry_id,
            )  # so spelt by Harbor
        )
    raise BadRequest(Phrase("registry %(registry_id)s not found", registry_id=registry_id))


async def furnish(
    session: AsyncSession, project_id: int, owner_id: int, metadata: Mapping[str, str]
) -> None:
    """Give a new project its first member, its metadata and its allowlist."""
    owner = ProjectMember(
        project_id=project_id, entity_id=owner_id, entity_type=PERSON, role=PROJECT_ADMIN
    )
    session.add(owner)
    allowlists.add(session, project_id)
    await meta.merge(session, project_id, metadata)


async def hold(session: AsyncSession, project_id: int) -> Project:
    """The project, which nobody else changes until the transaction ends; ``NotFound``."""
    found = await session.scalar(
        select(Project)
        .where(Project.project_id == project_id, Project.deleted.is_(False))
        .with_for_update()
    )
    if found is None:
        raise NotFound(Phrase("project %(project)s not found", project=project_id))
    return found


async def change(session: AsyncSession, project: Project, wanted: ProjectReq) -> None:
    """Take over the metadata that is told, and the allowlist if there is one; nothing else.

    ``BadRequest`` for what is not allowed. The project is held.
    """
    given = wanted.told
    await meta.check_retention(session, project.project_id, given)
    await meta.merge(session, project.project_id, meta.of_project(given))
    if wanted.cve_allowlist is not None:
        named = wanted.cve_allowlist.project_id
        if named and named != project.project_id:
            raise BadRequest(
                Phrase(
                    "project_id in cve_allowlist must be %(project_id)s but it's %(named)s",
                    project_id=project.project_id,
                    named=named,
                )
            )
        await allowlists.replace(session, project.project_id, wanted.cve_allowlist)
    project.update_time = clock.now()


async def why_it_stays(session: AsyncSession, project_id: int) -> str | None:
    """What keeps a project from being deleted, in words; ``None`` if nothing does."""
    if await has_repositories(session, project_id):
        return Phrase("the project contains repositories, can not be deleted")
    return None


async def remove(session: AsyncSession, project: Project) -> None:
    """Delete a project, which is held; ``Precondition`` while it has repositories.

    Its row stays, for what is still known of it by its id; its name is free again. Until somebody
    else takes that, it leads to repositories that were moved elsewhere.
    """
    reason = await why_it_stays(session, project.project_id)
    if reason is not None:
        raise Precondition(reason)
    await redirects.add(session, project.name, project.project_id)
    mark = f"#{project.project_id}"  # no name that a project can be given has this sign
    project.name = project.name[: MAX_NAME - len(mark)] + mark
    project.deleted = True
    await session.execute(
        delete(ProjectMember).where(ProjectMember.project_id == project.project_id)
    )
    await session.execute(
        delete(RepositoryRule).where(RepositoryRule.project_id == project.project_id)
    )
    await meta.remove_all(session, project.project_id)
    await allowlists.remove(session, project.project_id)


async def seed_library(session: AsyncSession) -> None:
    """Make the first project, if there has never been one. Two processes may do it at once."""
    if await session.scalar(select(Project.project_id).limit(1)) is not None:
        return
    library = {"project_id": LIBRARY_ID, "name": "library", "owner_id": ADMIN_ID, "deleted": False}
    made = await session.execute(
        insert_or_ignore(session, Project, [library]).returning(Project.project_id)
    )
    if made.first() is None:
        return
    if session.get_bind().dialect.name == "postgresql":
        # Ids that were given do not move the sequence; without this the next project gets a 1.
        sequence = func.pg_get_serial_sequence(Project.__tablename__, "project_id")
        await session.execute(select(func.setval(sequence, LIBRARY_ID)))
    await furnish(session, LIBRARY_ID, ADMIN_ID, {"public": "true"})
