"""What is done: check and keep what a project is told about itself."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.errors import BadRequest
from harbor.projects.models import ProjectMetadata

TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))
BOOLEANS = frozenset(
    (
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
PROXY_ONLY = frozenset(
    ("proxy_speed_kb", "max_upstream_conn", "proxy_cache_filter_pattern", "proxy_cache_filter_kind")
)
SEVERITIES = {
    "none": "none",
    "negligible": "none",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "critical": "critical",
}


def normalised(given: Mapping[str, str]) -> dict[str, str]:
    """*given* as it is kept for a new project; ``BadRequest`` for a value that is not allowed.

    What concerns proxy caches only is dropped in silence, as in Harbor.
    Source: Harbor src/server/v2.0/handler/project.go and project_metadata.go.
    """
    if given.get("retention_id"):
        raise BadRequest(
            "bad request: the retention_id in the request's payload when creating a project "
            "should be omitted, alternatively passing an empty string"
        )
    public = given.get("public", "false")
    if public not in ("true", "false"):
        raise BadRequest(f"metadata.public should only be 'true' or 'false', but got: '{public}'")
    kept = {"public": public}
    for name, value in given.items():
        if name in BOOLEANS:
            kept[name] = boolean(value)
        elif name == "severity":
            kept[name] = severity(value)
        elif name not in PROXY_ONLY | {"public", "retention_id"}:
            raise BadRequest(f"invalid key: {name}")
    return kept


def boolean(value: str) -> str:
    if value not in TRUE | FALSE:
        raise BadRequest(f"invalid value: {value}")
    return "true" if value in TRUE else "false"


def severity(value: str) -> str:
    """The severity from which on pulls are stopped, in small letters."""
    try:
        return SEVERITIES[value.lower()]
    except KeyError as error:
        raise BadRequest(f"invalid value: {value}") from error


def keep(session: AsyncSession, project_id: int, metadata: Mapping[str, str]) -> None:
    """Add rows for the metadata of a new project."""
    session.add_all(
        ProjectMetadata(project_id=project_id, name=name, value=value)
        for name, value in metadata.items()
    )


async def of(session: AsyncSession, project_ids: list[int]) -> dict[int, dict[str, str]]:
    """All metadata of each of the projects."""
    found: dict[int, dict[str, str]] = {project_id: {} for project_id in project_ids}
    rows = await session.scalars(
        select(ProjectMetadata).where(ProjectMetadata.project_id.in_(project_ids))
    )
    for row in rows:
        found[row.project_id][row.name] = row.value
    return found
