"""What is said between the rooms: what was pushed, what was found."""

from collections.abc import Mapping
from dataclasses import dataclass

from harbor.core.api import AuditLine
from harbor.core.manifests import Manifest
from harbor.core.oci import Digest


@dataclass(frozen=True, slots=True)
class Place:
    """A repository, and the project whose rights hold there."""

    project_id: int
    repository: str  # with its project


@dataclass(frozen=True, slots=True)
class Pushed:
    """A manifest that passed all checks which need no database."""

    place: Place
    digest: Digest
    manifest: Manifest
    raw: bytes
    tag: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A manifest that may be served."""

    artifact_id: int
    repository_id: int
    digest: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Pull:
    """One GET of a manifest, to be counted."""

    artifact_id: int
    repository_id: int
    tag: str | None
    line: AuditLine


@dataclass(frozen=True, slots=True)
class Referrer:
    """An entry of the referrers list: a descriptor."""

    media_type: str
    digest: str
    size: int
    artifact_type: str
    annotations: Mapping[str, str] | None
