"""What is kept: repositories, artifacts, tags, which blobs they consist of, and uploads.

A blob's bytes are in the store, once for each digest. Who may see them follows from
``RepositoryBlob``: a blob is served in the repositories that it was pushed to or mounted into,
and nowhere else. Its key begins with the project's id, not the name, so that a project made
anew under an old name inherits nothing.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time, ascii_text, only

DIGEST = ascii_text(135)  # "sha512:" and 128 digits
LOWER, UPPER = (
    {"case": str.lower},
    {"case": str.upper},
)  # of all letters, as ``Match`` wants to know
HAS_ICON = "icon IS NOT NULL"
ASKED = ("tagged", "accessory", "type", "pull_time", "size", "icon")
# Together too long for an index of PostgreSQL, which reads the table as fast.
TYPES = ("media_type", "manifest_media_type", "artifact_type")
EXPIRES = "expires_at IS NOT NULL"


class Repository(Table):
    """Made by the first push of a manifest; it outlives its artifacts."""

    __tablename__ = "repository"
    __table_args__ = (Index(None, "pull_count", "repository_id"),)

    repository_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(ascii_text(255), unique=True, info=LOWER)  # with its project
    project_id: Mapped[int] = mapped_column(ForeignKey("project.project_id"), index=True)
    description: Mapped[str] = mapped_column(String(65535), default="")
    pull_count: Mapped[int] = mapped_column(BigInteger, default=0)
    artifact_count: Mapped[int] = mapped_column(default=0)  # of those that lists show
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)


class RepositoryRedirect(Table):
    """A former name of a repository: what is pulled by it is found until there is another one.

    The name is without the project, which may have been renamed since.
    """

    __tablename__ = "repository_redirect"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("project.project_id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(ascii_text(255), primary_key=True)
    repository_id: Mapped[int] = mapped_column(
        ForeignKey("repository.repository_id", ondelete="CASCADE"), index=True
    )
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)


class Blob(Table):
    """Bytes that are in the store, whole and verified."""

    __tablename__ = "blob"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)


class StoreTally(Table):
    """How many bytes of blobs and manifests came into the store with pushes to a project.

    Each is counted once, where it came first, so the sum of all rows is what the store holds; a
    row outlives its project, as blobs do. It is changed by whoever adds or removes a row of
    ``Blob`` or ``Manifest``, in the same transaction, after the quota of the project: whoever
    waits for one would have waited for the other.
    """

    __tablename__ = "store_tally"

    project_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    nbytes: Mapped[int] = mapped_column(BigInteger)


class RepositoryBlob(Table):
    """A blob may be read in this repository, and manifests pushed to it may name the blob."""

    __tablename__ = "repository_blob"
    __table_args__ = (Index(None, "digest", "project_id", "repository"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("project.project_id"), primary_key=True)
    repository: Mapped[str] = mapped_column(ascii_text(255), primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST, ForeignKey("blob.digest"), primary_key=True)
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)


class ReleasedBlob(Table):
    """A blob that could be read in a repository until the last artifact with it was deleted.

    A push that has seen it there, and so has not sent it, may still name it for a while.
    """

    __tablename__ = "released_blob"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("project.project_id", ondelete="CASCADE"), primary_key=True
    )
    repository: Mapped[str] = mapped_column(ascii_text(255), primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    release_time: Mapped[datetime] = mapped_column(Time, default=clock.now, index=True)


class Manifest(Table):
    """The bytes of a manifest, as they were pushed."""

    __tablename__ = "manifest"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)


def listing(name: str, column: str, *more: str) -> tuple[Index, Index]:
    """For lists, in their usual order, with all that they are sorted or filtered by; of one there
    is another one for each kind of database.

    The newest come first: where a list has another order, those that share what it sorts by follow
    each other as they do in the list, and the first few of 100,000 are found without exchanging
    them with every row.
    """
    newest: tuple[Any, Any] = text("push_time DESC"), text("id DESC")
    columns = (column, "listed", *newest, *ASKED, *more)
    return (
        only("sqlite", Index(f"ix_artifact_and_types_in_{name}", *columns, *TYPES)),
        only("postgresql", Index(f"ix_artifact_in_{name}", *columns)),
    )


class Artifact(Table):
    """A manifest in a repository."""

    __tablename__ = "artifact"
    __table_args__ = (
        UniqueConstraint("repository_id", "digest"),
        Index(None, "digest"),
        *listing("repository", "repository_id"),
        *listing("project", "project_id", "repository_id"),
        Index(None, "repository_id", "listed", "size"),
        Index(None, "project_id", "listed", "size"),
        Index(None, "project_id", "digest"),
        Index(None, "icon", sqlite_where=text(HAS_ICON)),
        # For the repositories of a project that hold artifacts of one type.
        Index(None, "project_id", "type", "repository_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.project_id"))
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.repository_id"))
    digest: Mapped[str] = mapped_column(DIGEST, ForeignKey("manifest.digest"), info=LOWER)
    manifest_media_type: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(255))  # of the config; of the index itself
    artifact_type: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(255), default="UNKNOWN", info=UPPER)  # IMAGE, CHART, …
    icon: Mapped[str | None] = mapped_column(DIGEST)  # of a layer; None for that of the type
    # Whether lists show it: it has a tag or is no child of an index, and is no accessory.
    listed: Mapped[bool] = mapped_column(default=True)
    tagged: Mapped[bool] = mapped_column(default=False)  # whether it has a tag
    accessory: Mapped[bool] = mapped_column(default=False)  # whether it is one
    manifest_size: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)  # with config and layers, or with its children
    annotations: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    push_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    pull_time: Mapped[datetime | None] = mapped_column(Time)


class ArtifactDetails(Table):
    """What the config of an artifact says, as JSON text; without a row it was not read yet."""

    __tablename__ = "artifact_details"

    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True
    )
    extra_attrs: Mapped[str | None] = mapped_column(Text)  # an object; None if it says nothing


class ArtifactLabel(Table):
    __tablename__ = "label_reference"
    __table_args__ = (Index(None, "label_id", "artifact_id"),)

    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True
    )
    label_id: Mapped[int] = mapped_column(
        ForeignKey("label.id", ondelete="CASCADE"), primary_key=True
    )
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)


class ArtifactBlob(Table):
    """A blob that an artifact's manifest names."""

    __tablename__ = "artifact_blob"

    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True, index=True)


class ArtifactReference(Table):
    """A child of an index. One index may list the same child for several platforms."""

    __tablename__ = "artifact_reference"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column(
        ForeignKey("artifact.id", ondelete="CASCADE"), index=True
    )
    child_id: Mapped[int] = mapped_column(ForeignKey("artifact.id"), index=True)
    child_digest: Mapped[str] = mapped_column(DIGEST)
    platform: Mapped[dict[str, object] | None] = mapped_column(JSON(none_as_null=True))
    annotations: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    urls: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class Accessory(Table):
    """An artifact that says something about another one: a signature, an SBOM.

    The subject may come later than the accessory, so it is named by digest.
    """

    __tablename__ = "artifact_accessory"
    __table_args__ = (Index(None, "repository_id", "subject_digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifact.id", ondelete="CASCADE"), unique=True
    )
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.repository_id"))
    subject_digest: Mapped[str] = mapped_column(DIGEST)
    kind: Mapped[str] = mapped_column(String(64))  # signature.cosign, subject.accessory, …
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)


class Upload(Table):
    """An upload to which something was sent. Its bytes, and how many, are in the store."""

    __tablename__ = "blob_upload"
    __table_args__ = (Index(None, "username"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    project_id: Mapped[int] = mapped_column(
        ForeignKey("project.project_id", ondelete="CASCADE"), index=True
    )
    repository: Mapped[str] = mapped_column(ascii_text(255))
    username: Mapped[str] = mapped_column(String(255))  # nobody else may go on with it
    started_at: Mapped[datetime] = mapped_column(Time, default=clock.now)


class EndedUpload(Table):
    """The id of an upload that is over, for as long as it would pass for one that was just begun.

    Ids begin with the time: new ones stand side by side, and old ones are removed together.
    """

    __tablename__ = "ended_upload"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: Mapped[str] = mapped_column(ascii_text(32), primary_key=True)


class Tag(Table):
    __tablename__ = "tag"
    __table_args__ = (
        UniqueConstraint("repository_id", "name"),
        Index(None, "expires_at", sqlite_where=text(EXPIRES)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.repository_id"))
    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifact.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(ascii_text(128))
    push_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    pull_time: Mapped[datetime | None] = mapped_column(Time)
    expires_at: Mapped[datetime | None] = mapped_column(Time)  # when it is removed


class TagMove(Table):
    """That a tag began to mean something else, or nothing; written with what did it.

    The key is not that of the repository's row: what was done with a tag is known longer.
    """

    __tablename__ = "tag_move"
    __table_args__ = (Index(None, "project_id", "repository", "tag", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.project_id"))
    repository: Mapped[str] = mapped_column(ascii_text(255))  # with its project
    tag: Mapped[str] = mapped_column(ascii_text(128))
    digest: Mapped[str | None] = mapped_column(DIGEST)  # None: it was removed
    cause: Mapped[str] = mapped_column(String(16))  # one of service.history.CAUSES
    username: Mapped[str] = mapped_column(String(255))  # "": it was there before anybody took note
    op_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
