"""What is done: check and keep what a project is told about itself."""

import re
from collections.abc import Mapping

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.oci import shown
from harbor.projects.models import ProjectMetadata
from harbor.projects.schemas import MetadataPair

TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))
BOOLEANS = frozenset(
    (
        "public",
        "enable_content_trust",
        "enable_content_trust_cosign",
        "prevent_vul",
        "auto_scan",
        "auto_sbom_generation",
        "reuse_sys_cve_allowlist",
        "proxy_cache_local_on_not_found",
        "proxy_referrer_api",
    )
)
FILTER_PATTERN, FILTER_KIND = "proxy_cache_filter_pattern", "proxy_cache_filter_kind"
FILTER = frozenset((FILTER_PATTERN, FILTER_KIND))
NUMBERS = frozenset(("proxy_speed_kb", "max_upstream_conn"))
PROXY_ONLY = NUMBERS | FILTER
RETENTION = "retention_id"  # only the retention policy itself writes it
NUMBER = re.compile(r"-?[0-9]{1,10}")
INT32 = range(-(2**31), 2**31)
SEVERITIES = {
    "none": "none",
    "negligible": "none",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "critical": "critical",
}


def of_new(given: Mapping[str, str]) -> dict[str, str]:
    """*given* as it is kept for a new project; ``BadRequest`` for a value that is not allowed.

    Source: Harbor src/server/v2.0/handler/project.go and project_metadata.go.
    """
    if given.get(RETENTION):
        raise BadRequest(
            "bad request: the retention_id in the request's payload when creating a project "
            "should be omitted, alternatively passing an empty string"
        )
    return {"public": "false"} | of_project(given)


def of_project(given: Mapping[str, str]) -> dict[str, str]:
    """*given* as it is kept. What concerns proxy caches only is dropped in silence, as in Harbor;
    so is the id of a retention policy, which is never given but repeated.
    """
    public = given.get("public", "false")
    if public not in ("true", "false"):
        raise BadRequest(
            f"metadata.public should only be 'true' or 'false', but got: '{shown(public)}'"
        )
    return {
        name: checked(name, value)
        for name, value in given.items()
        if name not in PROXY_ONLY | {RETENTION}
    }


def checked(name: str, value: str) -> str:
    """*value* in the one form in which it is kept; ``BadRequest`` for what means nothing."""
    if name in BOOLEANS:
        return boolean(value)
    if name == "severity":
        return severity(value)
    if name in NUMBERS:
        return number(name, value)
    if name in FILTER:
        raise BadRequest(f"{name} is only allowed in a proxy cache project")
    raise BadRequest(f"invalid key: {shown(name)}")


def boolean(value: str) -> str:
    if value not in TRUE | FALSE:
        raise BadRequest(f"invalid value: {shown(value)}")
    return "true" if value in TRUE else "false"


def number(name: str, value: str) -> str:
    """A speed (-1 and 0 mean any) or a number of connections (-1 means any)."""
    if not NUMBER.fullmatch(value) or int(value) not in INT32:
        raise BadRequest(f"invalid value: {shown(value)}")
    if int(value) < -1 or (name == "max_upstream_conn" and int(value) == 0):
        raise BadRequest(f"invalid value: {shown(value)}")
    return str(int(value))


def severity(value: str) -> str:
    """The severity from which on pulls are stopped, in small letters."""
    try:
        return SEVERITIES[value.lower()]
    except KeyError as error:
        raise BadRequest(f"invalid value: {shown(value)}") from error


async def merge(session: AsyncSession, project_id: int, metadata: Mapping[str, str]) -> None:
    """Keep each key and value, in place of the value that it had; leave other keys alone."""
    rows = await session.scalars(
        select(ProjectMetadata).where(ProjectMetadata.project_id == project_id)
    )
    known = {row.name: row for row in rows}
    for name, value in metadata.items():
        if name in known:
            known[name].value = value
        else:
            session.add(ProjectMetadata(project_id=project_id, name=name, value=value))
    await session.flush()


async def check_retention(session: AsyncSession, project_id: int, given: Mapping[str, str]) -> None:
    """``BadRequest`` unless *given* leaves the id of the retention policy as it is."""
    if RETENTION not in given:
        return
    kept = await session.get(ProjectMetadata, (project_id, RETENTION))
    if kept is None or kept.value != given[RETENTION]:
        raise BadRequest(
            "bad request: the retention_id in the request's payload when updating a project "
            "should be omitted, alternatively passing the one that has already been associated "
            "to this project"
        )


def pair(given: MetadataPair) -> tuple[str, str]:
    """The one key and its value, as it is kept; ``BadRequest``."""
    told = [(name, value) for name, value in given.items() if value is not None]
    if len(told) != 1:
        raise BadRequest("only allow one key/value pair")
    ((name, value),) = told
    return name, checked(name, value)


async def add(session: AsyncSession, project_id: int, given: MetadataPair) -> None:
    """Keep one more key; ``Conflict`` if it is there already."""
    name, value = pair(given)
    if await session.get(ProjectMetadata, (project_id, name)) is not None:
        raise Conflict(f"metadata {name} of project {project_id} already exists")
    await merge(session, project_id, {name: value})


async def change(session: AsyncSession, project_id: int, name: str, given: MetadataPair) -> None:
    """Keep another value of the key *name*; ``NotFound``."""
    told, value = pair(given)
    if told != name:
        raise BadRequest(f"the key {shown(told)} is not the one in the path")
    (await get(session, project_id, name)).value = value


async def get(session: AsyncSession, project_id: int, name: str) -> ProjectMetadata:
    found = await session.get(ProjectMetadata, (project_id, name))
    if found is None:
        raise NotFound(f"metadata {shown(name)} of project {project_id} not found")
    return found


async def remove(session: AsyncSession, project_id: int, name: str) -> None:
    """Forget a key; ``NotFound``. A kind says how to read a pattern, so it goes last."""
    if name == RETENTION:
        raise BadRequest(f"invalid key: {shown(name)}")
    pattern = await session.get(ProjectMetadata, (project_id, FILTER_PATTERN))
    if name == FILTER_KIND and pattern is not None:
        raise BadRequest(f"{FILTER_KIND} is needed while there is a {FILTER_PATTERN}")
    await session.delete(await get(session, project_id, name))


async def remove_all(session: AsyncSession, project_id: int) -> None:
    await session.execute(delete(ProjectMetadata).where(ProjectMetadata.project_id == project_id))


async def of(session: AsyncSession, project_ids: list[int]) -> dict[int, dict[str, str]]:
    """All metadata of each of the projects."""
    found: dict[int, dict[str, str]] = {project_id: {} for project_id in project_ids}
    told = select(ProjectMetadata.project_id, ProjectMetadata.name, ProjectMetadata.value)
    rows = await session.execute(told.where(ProjectMetadata.project_id.in_(project_ids)))
    for project_id, name, value in rows:
        found[project_id][name] = value
    return found
