"""What is said: between the rooms, and to callers of the REST API."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from harbor.core.api import AuditLine
from harbor.core.manifests import Manifest
from harbor.core.oci import Digest
from harbor.core.query import Listing
from harbor.core.wire import Id, Time, refuse_null
from harbor.labels.schemas import Label


class Place(Struct, frozen=True):
    """A repository, and the project whose rights hold there."""

    project_id: int
    repository: str  # with its project


class Pushed(Struct, frozen=True):
    """A manifest that passed all checks which need no database."""

    place: Place
    digest: Digest
    manifest: Manifest
    raw: bytes
    tag: str | None


class Found(Struct, frozen=True):
    """A manifest that may be served."""

    artifact_id: int
    repository_id: int
    digest: str
    media_type: str
    content: bytes


class Known(Struct, frozen=True):
    """Which artifact a path names."""

    id: int
    repository_id: int
    digest: str


class Pull(Struct, frozen=True):
    """One GET of a manifest, to be counted."""

    artifact_id: int
    repository_id: int
    tag: str | None
    line: AuditLine


class Referrer(Struct, frozen=True):
    """An entry of the referrers list: a descriptor."""

    media_type: str
    digest: str
    size: int
    artifact_type: str
    annotations: Mapping[str, str] | None


class RepositoryName(str):
    """The name of a repository without its project, as it stands in a path: slashes encoded."""

    __slots__ = ()

    def __new__(cls, text: str) -> "RepositoryName":
        name = unquote(text)
        refuse_null(name, "path")
        return super().__new__(cls, name)


class Repository(Struct, kw_only=True, omit_defaults=True):
    """A repository, and how much is in it."""

    id: int
    project_id: int
    name: str  # with its project
    description: str = ""
    artifact_count: int
    pull_count: int
    creation_time: Time
    update_time: Time


class RepositoryReq(Struct):
    """What to change of a repository."""

    description: Annotated[str, Meta(max_length=65535)] | None = None


class MoveReq(Struct):
    """Where a repository is to be; what is not told stays."""

    project: Annotated[str, Meta(max_length=255)] = ""
    name: Annotated[str, Meta(max_length=255)] = ""  # without the project


class FormerName(Struct):
    """A name by which the repository can still be pulled."""

    name: str  # with its project


class ArtifactQuery(Listing, kw_only=True):
    """Which artifacts to list, and what to tell of each."""

    with_tag: bool = True
    with_label: bool = False
    with_accessory: bool = True
    with_inherited_accessory: bool = False  # signatures of the indexes that list the artifact
    with_immutable_status: bool = False
    with_signature: bool = False
    with_scan_overview: bool = False
    with_sbom_overview: bool = False


class ProjectArtifactQuery(ArtifactQuery, kw_only=True):
    """Which artifacts of a project to list."""

    latest_in_repository: bool = False  # of each repository the newest only


class CopyQuery(Struct):
    """What to copy: ``project/repository:tag`` or ``project/repository@digest``."""

    from_: str = field(name="from")


class TagQuery(Listing, kw_only=True):
    """Which tags to list."""

    with_immutable_status: bool = False


class TagReq(Struct):
    """A tag to attach."""

    name: str


class LabelToAdd(Struct):
    """The label to attach; only its id is looked at."""

    id: Id = 0


class Tag(Struct):
    """A name of an artifact."""

    id: int
    repository_id: int
    artifact_id: int
    name: str
    push_time: Time
    pull_time: Time
    immutable: bool
    expires_at: Time | UnsetType = UNSET  # when it is removed; Harbor has no such field


class Reference(Struct):
    """A child of an index."""

    parent_id: int
    child_id: int
    child_digest: str
    platform: dict[str, Any] | None
    annotations: dict[str, str] | None
    urls: list[str] | None


class Accessory(Struct, kw_only=True):
    """An artifact that says something about another one."""

    id: int
    artifact_id: int
    subject_artifact_id: int
    subject_artifact_digest: str
    subject_artifact_repo: str
    digest: str
    size: int
    type: str
    icon: str
    creation_time: Time


class AdditionLink(Struct):
    """Where more about an artifact is to be found."""

    href: str
    absolute: bool = False


class Artifact(Struct, kw_only=True):
    """What is stored under a digest of a repository. A list that is empty is null."""

    id: int
    type: str
    media_type: str
    manifest_media_type: str
    artifact_type: str
    project_id: int
    repository_id: int
    repository_name: str  # with its project
    digest: str
    size: int
    icon: str
    push_time: Time
    pull_time: Time
    extra_attrs: Raw | None
    annotations: dict[str, str] | None
    references: list[Reference] | None
    tags: list[Tag] | None
    addition_links: dict[str, AdditionLink] | None
    labels: list[Label] | None
    accessories: list[Accessory] | None
    inherited_accessories: list[Accessory] | UnsetType = UNSET


class Icon(Struct, rename={"content_type": "content-type"}):
    """A small picture of an artifact."""

    content: bytes  # said in base64
    content_type: str = "image/png"


class Storage(Struct, kw_only=True):
    """Bytes, each counted once. Without ``count_time`` they were counted just now."""

    nbytes: int
    freed: int  # by which the project would hold less if it were deleted
    shared: int  # the rest, which something else in the project needs too
    unique: int | None  # of what is freed, what no other project has: administrators are told
    at_least: bool  # what is freed may be more
    count_time: Time | None


class RepositoryStorage(Storage, kw_only=True):
    """What a repository holds."""

    name: str  # with its project


class Day(Struct):
    """The bytes at the end of a day, by UTC."""

    day: date
    nbytes: int


class StorageQuery(Struct):
    """How many days back."""

    days: Annotated[int, Meta(ge=1, le=3660)] = 90


class ChosenQuery(Struct):
    """Artifacts of a repository, by their ids; without any, all of it is meant."""

    artifact_id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


class ProjectStorage(Struct, kw_only=True):
    """What a project holds: ``repositories`` are those that free most."""

    nbytes: int
    unique: int | None  # what no other project has: administrators are told
    shared: int | None
    count_time: Time | None  # of all but nbytes; null: just now, or not at all yet
    repositories: list[RepositoryStorage]
    days: list[Day]


class StoreStorage(Struct):
    """What the store holds: what several projects have counts once."""

    nbytes: int
    days: list[Day]


class TagMove(Struct):
    """That a tag began to mean an artifact, or nothing any more."""

    id: int
    digest: str | None  # null: the tag was removed
    operation: Literal[
        "push", "copy", "create", "delete", "expire", "rollback", "restore"
    ]  # what did it
    username: str  # "" where nobody knows
    op_time: Time
    state: Literal["current", "here", "trash", "gone", "none"]  # of the artifact, now


class RollbackReq(Struct):
    """What a tag is to mean again: an entry of its history, by its id or by its digest."""

    id: Id | None = None
    digest: Annotated[str, Meta(max_length=135)] | None = None


class RolledBack(Struct):
    """What a tag means now."""

    name: str
    digest: str


class ExpiryReq(Struct):
    """When a tag is to be removed; null: it stays."""

    expires_at: Annotated[datetime, Meta(tz=True)] | None


class TrashEntry(Struct, kw_only=True):
    """What one deletion took, and can be restored."""

    id: int
    kind: Literal["artifact", "repository"]
    repository_name: str  # with its project
    digest: str | None  # of the artifact
    type: str  # of the artifact
    manifest_media_type: str  # of the artifact
    tags: list[str]  # the newest few of the artifact
    tag_count: int
    artifact_count: int  # with children and accessories
    size: int  # bytes of all manifests and blobs, each counted once
    deleted_by: str
    deletion_time: Time
    kept_until: Time


class Restored(Struct):
    """What was restored."""

    repository_name: str  # with its project
    digest: str | None  # of the artifact; null: the repository
    artifact_count: int
    tags_left_out: list[str]  # they mean something else by now
