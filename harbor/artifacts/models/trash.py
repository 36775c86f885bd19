"""What is kept: what was deleted, for as long as it can be restored."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.artifacts.models.content import DIGEST
from harbor.core.db import Table, Time, ascii_text


class Trash(Table):
    """What one deletion took: an artifact with all that went with it, or a repository."""

    __tablename__ = "trash"
    __table_args__ = (
        Index(None, "project_id", "deletion_time", "id"),
        {"sqlite_autoincrement": True},  # an id on somebody's page never means another entry
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.project_id"))
    repository: Mapped[str] = mapped_column(ascii_text(255))  # with its project
    digest: Mapped[str | None] = mapped_column(DIGEST)  # of the artifact; None: the repository
    type: Mapped[str] = mapped_column(String(255))  # of the artifact; "" of a repository
    media_type: Mapped[str] = mapped_column(String(255))  # of its manifest
    description: Mapped[str] = mapped_column(String(65535))  # of the repository
    pull_count: Mapped[int] = mapped_column(BigInteger)
    artifact_count: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)  # of its manifests and blobs, each once
    username: Mapped[str] = mapped_column(String(255))
    deletion_time: Mapped[datetime] = mapped_column(Time)
    kept_until: Mapped[datetime] = mapped_column(Time, index=True)


class TrashArtifact(Table):
    """A row of ``Artifact``, with its details and what made it an accessory.

    Its manifest stays as long as this row does: the database sees to that.
    """

    __tablename__ = "trash_artifact"

    trash_id: Mapped[int] = mapped_column(
        ForeignKey("trash.id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[str] = mapped_column(
        DIGEST, ForeignKey("manifest.digest"), primary_key=True, index=True
    )
    manifest_media_type: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(255))
    artifact_type: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(255))
    icon: Mapped[str | None] = mapped_column(DIGEST)
    manifest_size: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    annotations: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    push_time: Mapped[datetime] = mapped_column(Time)
    pull_time: Mapped[datetime | None] = mapped_column(Time)
    extra_attrs: Mapped[str | None] = mapped_column(Text)
    subject_digest: Mapped[str | None] = mapped_column(DIGEST)
    kind: Mapped[str | None] = mapped_column(String(64))
    attached_time: Mapped[datetime | None] = mapped_column(Time)


class TrashBlob(Table):
    """A blob that an artifact in the trash names, and that stays as long as this row does."""

    __tablename__ = "trash_blob"

    trash_id: Mapped[int] = mapped_column(
        ForeignKey("trash.id", ondelete="CASCADE"), primary_key=True
    )
    artifact_digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    digest: Mapped[str] = mapped_column(
        DIGEST, ForeignKey("blob.digest"), primary_key=True, index=True
    )


class TrashReference(Table):
    """A row of ``ArtifactReference``. The child may be in the trash with it, or not."""

    __tablename__ = "trash_reference"

    id: Mapped[int] = mapped_column(primary_key=True)
    trash_id: Mapped[int] = mapped_column(ForeignKey("trash.id", ondelete="CASCADE"), index=True)
    parent_digest: Mapped[str] = mapped_column(DIGEST)
    child_digest: Mapped[str] = mapped_column(DIGEST)
    platform: Mapped[dict[str, object] | None] = mapped_column(JSON(none_as_null=True))
    annotations: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    urls: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class TrashTag(Table):
    """A row of ``Tag``."""

    __tablename__ = "trash_tag"

    trash_id: Mapped[int] = mapped_column(
        ForeignKey("trash.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(ascii_text(128), primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST)
    push_time: Mapped[datetime] = mapped_column(Time)
    pull_time: Mapped[datetime | None] = mapped_column(Time)
    expires_at: Mapped[datetime | None] = mapped_column(Time)


class TrashLabel(Table):
    """A row of ``ArtifactLabel``."""

    __tablename__ = "trash_label"

    trash_id: Mapped[int] = mapped_column(
        ForeignKey("trash.id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    label_id: Mapped[int] = mapped_column(
        ForeignKey("label.id", ondelete="CASCADE"), primary_key=True, index=True
    )
