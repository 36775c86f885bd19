"""What tags meant, when they are to go, and what was deleted and can be restored."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
TABLES = (
    "trash_label",
    "trash_tag",
    "trash_reference",
    "trash_blob",
    "trash_artifact",
    "trash",
    "tag_move",
)


def ascii_text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


DIGEST = ascii_text(135)


def upgrade() -> None:
    op.add_column("tag", sa.Column("expires_at", TIME, nullable=True))
    expires = sa.text("expires_at IS NOT NULL")
    op.create_index(
        op.f("ix_tag_expires_at"),
        "tag",
        ["expires_at"],
        sqlite_where=expires,
        postgresql_where=expires,
    )
    create_history()
    create_trash()
    create_parts()
    # The history of a tag begins with what it means today.
    op.execute(
        "INSERT INTO tag_move (project_id, repository, tag, digest, cause, username, op_time) "
        "SELECT repository.project_id, repository.name, tag.name, artifact.digest, 'push', '', "
        "tag.push_time FROM tag JOIN artifact ON artifact.id = tag.artifact_id "
        "JOIN repository ON repository.repository_id = tag.repository_id"
    )


def create_history() -> None:
    op.create_table(
        "tag_move",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("repository", ascii_text(255), nullable=False),
        sa.Column("tag", ascii_text(128), nullable=False),
        sa.Column("digest", DIGEST, nullable=True),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("username", sa.String(255), nullable=False),
        sa.Column("op_time", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.project_id"], name=op.f("fk_tag_move_project_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_move")),
    )
    op.create_index(
        op.f("ix_tag_move_project_id_repository_tag_id"),
        "tag_move",
        ["project_id", "repository", "tag", "id"],
    )


def create_trash() -> None:
    op.create_table(
        "trash",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("repository", ascii_text(255), nullable=False),
        sa.Column("digest", DIGEST, nullable=True),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("description", sa.String(65535), nullable=False),
        sa.Column("pull_count", sa.BigInteger(), nullable=False),
        sa.Column("artifact_count", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.String(255), nullable=False),
        sa.Column("deletion_time", TIME, nullable=False),
        sa.Column("kept_until", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.project_id"], name=op.f("fk_trash_project_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trash")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_trash_project_id_deletion_time_id"),
        "trash",
        ["project_id", "deletion_time", "id"],
    )
    op.create_index(op.f("ix_trash_kept_until"), "trash", ["kept_until"])


def create_parts() -> None:
    part(
        "trash_artifact",
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("manifest_media_type", sa.String(255), nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("artifact_type", sa.String(255), nullable=False),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("icon", DIGEST, nullable=True),
        sa.Column("manifest_size", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("annotations", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("push_time", TIME, nullable=False),
        sa.Column("pull_time", TIME, nullable=True),
        sa.Column("extra_attrs", sa.Text(), nullable=True),
        sa.Column("subject_digest", DIGEST, nullable=True),
        sa.Column("kind", sa.String(64), nullable=True),
        sa.Column("attached_time", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["digest"], ["manifest.digest"], name=op.f("fk_trash_artifact_digest")
        ),
        sa.PrimaryKeyConstraint("trash_id", "digest", name=op.f("pk_trash_artifact")),
    )
    op.create_index(op.f("ix_trash_artifact_digest"), "trash_artifact", ["digest"])
    part(
        "trash_blob",
        sa.Column("artifact_digest", DIGEST, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["blob.digest"], name=op.f("fk_trash_blob_digest")),
        sa.PrimaryKeyConstraint(
            "trash_id", "artifact_digest", "digest", name=op.f("pk_trash_blob")
        ),
    )
    op.create_index(op.f("ix_trash_blob_digest"), "trash_blob", ["digest"])
    part(
        "trash_reference",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_digest", DIGEST, nullable=False),
        sa.Column("child_digest", DIGEST, nullable=False),
        sa.Column("platform", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("annotations", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("urls", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trash_reference")),
    )
    op.create_index(op.f("ix_trash_reference_trash_id"), "trash_reference", ["trash_id"])
    part(
        "trash_tag",
        sa.Column("name", ascii_text(128), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("push_time", TIME, nullable=False),
        sa.Column("pull_time", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("trash_id", "name", name=op.f("pk_trash_tag")),
    )
    part(
        "trash_label",
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("label_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["label_id"], ["label.id"], name=op.f("fk_trash_label_label_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("trash_id", "digest", "label_id", name=op.f("pk_trash_label")),
    )
    op.create_index(op.f("ix_trash_label_label_id"), "trash_label", ["label_id"])


def part(table: str, *rest: sa.schema.SchemaItem) -> None:
    """A table of what is in an entry of the trash, which goes with it."""
    op.create_table(
        table,
        sa.Column("trash_id", sa.Integer(), nullable=False),
        *rest,
        sa.ForeignKeyConstraint(
            ["trash_id"], ["trash.id"], name=op.f(f"fk_{table}_trash_id"), ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_index(op.f("ix_tag_expires_at"), "tag")
    op.drop_column("tag", "expires_at")
