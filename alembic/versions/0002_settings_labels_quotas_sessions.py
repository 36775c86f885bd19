"""Settings, labels, allowlists, quotas and sessions; each project is charged for what it holds."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "configuration",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_configuration")),
    )
    op.create_table(
        "cve_allowlist",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cve_allowlist")),
        sa.UniqueConstraint("project_id", name=op.f("uq_cve_allowlist_project_id")),
    )
    op.execute(
        "INSERT INTO cve_allowlist (project_id, items, creation_time, update_time) "
        "VALUES (0, '[]', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
    )
    op.execute(
        "INSERT INTO cve_allowlist (project_id, items, creation_time, update_time) "
        "SELECT project_id, '[]', creation_time, creation_time FROM project WHERE NOT deleted"
    )
    op.create_index(
        "ix_project_metadata_public",
        "project_metadata",
        ["value", "project_id"],
        unique=False,
        sqlite_where=sa.text("name = 'public'"),
        postgresql_where=sa.text("name = 'public'"),
    )
    op.create_table(
        "label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("color", sa.String(length=16), nullable=False),
        sa.Column("scope", sa.String(length=1), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
    )
    with op.batch_alter_table("label", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_label_scope_project_id_name"),
            ["scope", "project_id", "name"],
            unique=True,
        )

    op.create_table(
        "session",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("password_mark", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=255), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["harbor_user.user_id"],
            name=op.f("fk_session_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_session_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_session_user_id"), ["user_id"], unique=False)

    with op.batch_alter_table("audit_log_ext", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_log_ext_project_id_op_time"))
        batch_op.create_index(
            batch_op.f("ix_audit_log_ext_operation_op_time_id_project_id_username"),
            ["operation", "op_time", "id", "project_id", "username"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_audit_log_ext_project_id_op_time_id_username_operation"),
            ["project_id", "op_time", "id", "username", "operation"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_audit_log_ext_username_op_time_id_project_id_operation"),
            ["username", "op_time", "id", "project_id", "operation"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_audit_log_ext_resource_type_op_time_id"),
            ["resource_type", "op_time", "id"],
            unique=False,
            sqlite_where=sa.text("resource_type <> 'artifact'"),
            postgresql_where=sa.text("resource_type <> 'artifact'"),
        )
        batch_op.create_index(
            "ix_audit_log_ext_failed",
            ["op_time", "id"],
            unique=False,
            sqlite_where=sa.text("operation_result = 0"),
            postgresql_where=sa.text("operation_result = false"),
        )

    op.create_table(
        "project_blob",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column(
            "digest",
            sa.String(length=135).with_variant(sa.String(length=135, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.project_id"],
            name=op.f("fk_project_blob_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", "digest", name=op.f("pk_project_blob")),
    )
    with op.batch_alter_table("project_blob", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_blob_digest"), ["digest"], unique=False)

    op.create_table(
        "quota",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("hard", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.project_id"],
            name=op.f("fk_quota_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota")),
        sa.UniqueConstraint("project_id", name=op.f("uq_quota_project_id")),
    )
    with op.batch_alter_table("repository_blob", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_repository_blob_digest"))
        batch_op.create_index(
            batch_op.f("ix_repository_blob_digest_project_id_repository"),
            ["digest", "project_id", "repository"],
            unique=False,
        )

    op.create_table(
        "released_blob",
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
        sa.Column("release_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.project_id"],
            name=op.f("fk_released_blob_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "project_id", "repository", "digest", name=op.f("pk_released_blob")
        ),
    )
    with op.batch_alter_table("released_blob", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_released_blob_release_time"), ["release_time"], unique=False
        )

    op.execute(
        "INSERT INTO project_blob (project_id, digest, size, creation_time) "
        "SELECT held.project_id, held.digest, MIN(blob.size), MIN(held.creation_time) "
        "FROM repository_blob AS held JOIN blob ON blob.digest = held.digest "
        "GROUP BY held.project_id, held.digest"
    )
    op.execute(
        "INSERT INTO project_blob (project_id, digest, size, creation_time) "
        "SELECT project_id, digest, MIN(manifest_size), MIN(push_time) FROM artifact "
        "WHERE true GROUP BY project_id, digest ON CONFLICT DO NOTHING"
    )
    op.execute(
        "INSERT INTO quota (project_id, hard, used, creation_time, update_time) "
        "SELECT project_id, -1, COALESCE((SELECT SUM(size) FROM project_blob "
        "WHERE project_blob.project_id = project.project_id), 0), creation_time, creation_time "
        "FROM project WHERE NOT deleted"
    )


def downgrade() -> None:
    with op.batch_alter_table("released_blob", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_released_blob_release_time"))

    op.drop_table("released_blob")
    with op.batch_alter_table("repository_blob", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_repository_blob_digest_project_id_repository"))
        batch_op.create_index(batch_op.f("ix_repository_blob_digest"), ["digest"], unique=False)

    op.drop_table("quota")
    with op.batch_alter_table("project_blob", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_project_blob_digest"))

    op.drop_table("project_blob")
    with op.batch_alter_table("audit_log_ext", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_log_ext_failed")
        batch_op.drop_index(batch_op.f("ix_audit_log_ext_resource_type_op_time_id"))
        batch_op.drop_index(batch_op.f("ix_audit_log_ext_username_op_time_id_project_id_operation"))
        batch_op.drop_index(batch_op.f("ix_audit_log_ext_project_id_op_time_id_username_operation"))
        batch_op.drop_index(batch_op.f("ix_audit_log_ext_operation_op_time_id_project_id_username"))
        batch_op.create_index(
            batch_op.f("ix_audit_log_ext_project_id_op_time"),
            ["project_id", "op_time"],
            unique=False,
        )

    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_session_user_id"))
        batch_op.drop_index(batch_op.f("ix_session_expires_at"))

    op.drop_table("session")
    with op.batch_alter_table("label", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_label_scope_project_id_name"))

    op.drop_table("label")
    op.drop_index("ix_project_metadata_public", "project_metadata")
    op.drop_table("cve_allowlist")
    op.drop_table("configuration")
