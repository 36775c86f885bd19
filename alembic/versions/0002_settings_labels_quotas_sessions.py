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
    op.drop_table("quota")
    with op.batch_alter_table("project_blob", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_project_blob_digest"))

    op.drop_table("project_blob")
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_session_user_id"))
        batch_op.drop_index(batch_op.f("ix_session_expires_at"))

    op.drop_table("session")
    with op.batch_alter_table("label", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_label_scope_project_id_name"))

    op.drop_table("label")
    op.drop_table("cve_allowlist")
    op.drop_table("configuration")
