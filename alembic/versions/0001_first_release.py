"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log_ext",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("operation", sa.String(length=50), nullable=False),
        sa.Column("operation_description", sa.Text(), nullable=False),
        sa.Column("operation_result", sa.Boolean(), nullable=False),
        sa.Column("resource_type", sa.String(length=50), nullable=False),
        sa.Column("resource", sa.String(length=1024), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("op_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log_ext")),
    )
    op.create_index(
        op.f("ix_audit_log_ext_op_time_id"), "audit_log_ext", ["op_time", "id"], unique=False
    )
    op.create_index(
        op.f("ix_audit_log_ext_project_id_op_time"),
        "audit_log_ext",
        ["project_id", "op_time"],
        unique=False,
    )

    op.create_table(
        "blob",
        sa.Column(
            "digest",
            sa.String(length=135).with_variant(sa.String(length=135, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_blob")),
    )
    op.create_table(
        "harbor_user",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("realname", sa.String(length=255), nullable=False),
        sa.Column("comment", sa.String(length=30), nullable=False),
        sa.Column("sysadmin_flag", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_harbor_user")),
        sa.UniqueConstraint("email", name=op.f("uq_harbor_user_email")),
        sa.UniqueConstraint("username", name=op.f("uq_harbor_user_username")),
    )
    op.create_table(
        "manifest",
        sa.Column(
            "digest",
            sa.String(length=135).with_variant(sa.String(length=135, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_manifest")),
    )
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("private_pem", sa.Text(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "project",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column(
            "name",
            sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["harbor_user.user_id"], name=op.f("fk_project_owner_id")
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_project")),
        sa.UniqueConstraint("name", name=op.f("uq_project_name")),
    )
    op.create_table(
        "blob_upload",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column(
            "repository",
            sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.project_id"],
            name=op.f("fk_blob_upload_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob_upload")),
    )
    op.create_index(op.f("ix_blob_upload_project_id"), "blob_upload", ["project_id"], unique=False)
    op.create_index(op.f("ix_blob_upload_username"), "blob_upload", ["username"], unique=False)

    op.create_table(
        "project_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("entity_id", sa.Integer(), nullable=False),
        sa.Column("entity_type", sa.String(length=1), nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.project_id"],
            name=op.f("fk_project_member_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_member")),
        sa.UniqueConstraint(
            "project_id",
            "entity_type",
            "entity_id",
            name=op.f("uq_project_member_project_id_entity_type_entity_id"),
        ),
    )
    op.create_index(
        op.f("ix_project_member_entity_type_entity_id"),
        "project_member",
        ["entity_type", "entity_id"],
        unique=False,
    )

    op.create_table(
        "project_metadata",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=4096), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.project_id"],
            name=op.f("fk_project_metadata_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("pk_project_metadata")),
    )
    op.create_table(
        "repository",
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column(
            "name",
            sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("description", sa.String(length=65535), nullable=False),
        sa.Column("pull_count", sa.BigInteger(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.project_id"], name=op.f("fk_repository_project_id")
        ),
        sa.PrimaryKeyConstraint("repository_id", name=op.f("pk_repository")),
        sa.UniqueConstraint("name", name=op.f("uq_repository_name")),
    )
    op.create_index(op.f("ix_repository_project_id"), "repository", ["project_id"], unique=False)

    op.create_table(
        "repository_blob",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column(
            "repository",
            sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "digest",
            sa.String(length=135).with_variant(sa.String(length=135, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["blob.digest"], name=op.f("fk_repository_blob_digest")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.project_id"], name=op.f("fk_repository_blob_project_id")
        ),
        sa.PrimaryKeyConstraint(
            "project_id", "repository", "digest", name=op.f("pk_repository_blob")
        ),
    )
    op.create_index(op.f("ix_repository_blob_digest"), "repository_blob", ["digest"], unique=False)

    op.create_table(
        "artifact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column(
            "digest",
            sa.String(length=135).with_variant(sa.String(length=135, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("manifest_media_type", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=255), nullable=False),
        sa.Column("artifact_type", sa.String(length=255), nullable=False),
        sa.Column("manifest_size", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("annotations", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("push_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pull_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["digest"], ["manifest.digest"], name=op.f("fk_artifact_digest")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.project_id"], name=op.f("fk_artifact_project_id")
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.repository_id"], name=op.f("fk_artifact_repository_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifact")),
        sa.UniqueConstraint(
            "repository_id", "digest", name=op.f("uq_artifact_repository_id_digest")
        ),
    )
    op.create_index(op.f("ix_artifact_digest"), "artifact", ["digest"], unique=False)
    op.create_index(op.f("ix_artifact_project_id"), "artifact", ["project_id"], unique=False)

    op.create_table(
        "artifact_accessory",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("artifact_id", sa.Integer(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column(
            "subject_digest",
            sa.String(length=135).with_variant(sa.String(length=135, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"],
            ["artifact.id"],
            name=op.f("fk_artifact_accessory_artifact_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["repository.repository_id"],
            name=op.f("fk_artifact_accessory_repository_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifact_accessory")),
        sa.UniqueConstraint("artifact_id", name=op.f("uq_artifact_accessory_artifact_id")),
    )
    op.create_index(
        op.f("ix_artifact_accessory_repository_id_subject_digest"),
        "artifact_accessory",
        ["repository_id", "subject_digest"],
        unique=False,
    )

    op.create_table(
        "artifact_blob",
        sa.Column("artifact_id", sa.Integer(), nullable=False),
        sa.Column(
            "digest",
            sa.String(length=135).with_variant(sa.String(length=135, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["artifact_id"],
            ["artifact.id"],
            name=op.f("fk_artifact_blob_artifact_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("artifact_id", "digest", name=op.f("pk_artifact_blob")),
    )
    op.create_index(op.f("ix_artifact_blob_digest"), "artifact_blob", ["digest"], unique=False)

    op.create_table(
        "artifact_reference",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Integer(), nullable=False),
        sa.Column(
            "child_digest",
            sa.String(length=135).with_variant(sa.String(length=135, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("platform", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("annotations", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("urls", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["child_id"], ["artifact.id"], name=op.f("fk_artifact_reference_child_id")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["artifact.id"],
            name=op.f("fk_artifact_reference_parent_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifact_reference")),
    )
    op.create_index(
        op.f("ix_artifact_reference_child_id"), "artifact_reference", ["child_id"], unique=False
    )
    op.create_index(
        op.f("ix_artifact_reference_parent_id"), "artifact_reference", ["parent_id"], unique=False
    )

    op.create_table(
        "tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("artifact_id", sa.Integer(), nullable=False),
        sa.Column(
            "name",
            sa.String(length=128).with_variant(sa.String(length=128, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("push_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pull_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_tag_artifact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.repository_id"], name=op.f("fk_tag_repository_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("repository_id", "name", name=op.f("uq_tag_repository_id_name")),
    )
    op.create_index(op.f("ix_tag_artifact_id"), "tag", ["artifact_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_tag_artifact_id"), "tag")

    op.drop_table("tag")
    op.drop_index(op.f("ix_artifact_reference_parent_id"), "artifact_reference")
    op.drop_index(op.f("ix_artifact_reference_child_id"), "artifact_reference")

    op.drop_table("artifact_reference")
    op.drop_index(op.f("ix_artifact_blob_digest"), "artifact_blob")

    op.drop_table("artifact_blob")
    op.drop_index(op.f("ix_artifact_accessory_repository_id_subject_digest"), "artifact_accessory")

    op.drop_table("artifact_accessory")
    op.drop_index(op.f("ix_artifact_project_id"), "artifact")
    op.drop_index(op.f("ix_artifact_digest"), "artifact")

    op.drop_table("artifact")
    op.drop_index(op.f("ix_repository_blob_digest"), "repository_blob")

    op.drop_table("repository_blob")
    op.drop_index(op.f("ix_repository_project_id"), "repository")

    op.drop_table("repository")
    op.drop_table("project_metadata")
    op.drop_index(op.f("ix_project_member_entity_type_entity_id"), "project_member")

    op.drop_table("project_member")
    op.drop_index(op.f("ix_blob_upload_username"), "blob_upload")
    op.drop_index(op.f("ix_blob_upload_project_id"), "blob_upload")

    op.drop_table("blob_upload")
    op.drop_table("project")
    op.drop_table("signing_key")
    op.drop_table("manifest")
    op.drop_table("harbor_user")
    op.drop_table("blob")
    op.drop_index(op.f("ix_audit_log_ext_project_id_op_time"), "audit_log_ext")
    op.drop_index(op.f("ix_audit_log_ext_op_time_id"), "audit_log_ext")

    op.drop_table("audit_log_ext")
