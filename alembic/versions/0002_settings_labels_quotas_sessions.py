"""Settings, labels, allowlists, quotas and sessions; each project is charged for what it holds."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SAID = ("project_id", "operation", "operation_result", "resource_type", "resource", "username")


def tally_lines() -> None:
    """Count the lines of the audit log that are alike, and let each name its count."""
    said = ", ".join(SAID)
    found = op.get_bind().execute(
        sa.text(f"SELECT {said}, COUNT(*) AS lines FROM audit_log_ext GROUP BY {said}")  # noqa: S608
    )
    tally = sa.table("audit_tally", *map(sa.column, ("key", *SAID, "lines")))
    while some := found.fetchmany(1_000):
        rows = [dict(row._mapping) | {"key": key_of(row[: len(SAID)])} for row in some]
        for row in rows:
            row["operation_result"] = bool(row["operation_result"])
        op.bulk_insert(tally, rows)
    # Long names do not fit into an index of PostgreSQL, which needs none for this.
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        op.create_index("audit_tally_said", "audit_tally", ["resource", "username", "operation"])
    same = " AND ".join(f"audit_log_ext.{name} = tally.{name}" for name in SAID[1:])
    op.execute(
        "UPDATE audit_log_ext SET tally_id = tally.id FROM audit_tally AS tally "  # noqa: S608
        f"WHERE {same} AND COALESCE(audit_log_ext.project_id, -1) = COALESCE(tally.project_id, -1)"
    )
    if is_sqlite:
        op.drop_index("audit_tally_said", "audit_tally")


def key_of(said: sa.Row[tuple[object, ...]]) -> str:
    project_id, operation, succeeded, *texts = said
    parts = [str(project_id), str(operation), str(bool(succeeded)), *map(str, texts)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


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
        op.f("ix_project_member_project_id_entity_type_role_entity_id"),
        "project_member",
        ["project_id", "entity_type", "role", "entity_id"],
        unique=False,
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

    op.create_table(
        "audit_tally",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "key",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("operation", sa.String(length=50), nullable=False),
        sa.Column("operation_result", sa.Boolean(), nullable=False),
        sa.Column("resource_type", sa.String(length=50), nullable=False),
        sa.Column("resource", sa.String(length=1024), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_tally")),
        sa.UniqueConstraint("key", name=op.f("uq_audit_tally_key")),
    )
    op.add_column(
        "audit_log_ext",
        sa.Column("tally_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
    )
    tally_lines()
    with op.batch_alter_table("audit_tally", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_tally_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_tally_username"), ["username"], unique=False)

    with op.batch_alter_table("audit_log_ext", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_log_ext_op_time_id"))
        batch_op.drop_index(batch_op.f("ix_audit_log_ext_project_id_op_time"))
        batch_op.alter_column(
            "tally_id",
            existing_type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_audit_log_ext_tally_id"), "audit_tally", ["tally_id"], ["id"]
        )
        batch_op.create_index(
            batch_op.f("ix_audit_log_ext_op_time_id_tally_id"),
            ["op_time", "id", "tally_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_audit_log_ext_project_id_op_time_id"),
            ["project_id", "op_time", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_audit_log_ext_tally_id_op_time_id"),
            ["tally_id", "op_time", "id"],
            unique=False,
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
    with op.batch_alter_table("repository", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_repository_pull_count_repository_id"),
            ["pull_count", "repository_id"],
            unique=False,
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

    op.create_table(
        "store_tally",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("nbytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_store_tally")),
    )
    op.execute(
        "INSERT INTO store_tally (project_id, nbytes) "
        "SELECT 0, (SELECT COALESCE(SUM(size), 0) FROM blob) + "
        "(SELECT COALESCE(SUM(LENGTH(content)), 0) FROM manifest)"
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
    op.drop_table("store_tally")
    with op.batch_alter_table("released_blob", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_released_blob_release_time"))

    op.drop_table("released_blob")
    with op.batch_alter_table("repository_blob", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_repository_blob_digest_project_id_repository"))
        batch_op.create_index(batch_op.f("ix_repository_blob_digest"), ["digest"], unique=False)

    op.drop_table("quota")
    with op.batch_alter_table("repository", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_repository_pull_count_repository_id"))

    with op.batch_alter_table("project_blob", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_project_blob_digest"))

    op.drop_table("project_blob")
    with op.batch_alter_table("audit_log_ext", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_log_ext_tally_id_op_time_id"))
        batch_op.drop_index(batch_op.f("ix_audit_log_ext_project_id_op_time_id"))
        batch_op.drop_index(batch_op.f("ix_audit_log_ext_op_time_id_tally_id"))
        batch_op.drop_constraint(batch_op.f("fk_audit_log_ext_tally_id"), type_="foreignkey")
        batch_op.drop_column("tally_id")
        batch_op.create_index(
            batch_op.f("ix_audit_log_ext_project_id_op_time"),
            ["project_id", "op_time"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_audit_log_ext_op_time_id"), ["op_time", "id"], unique=False
        )

    op.drop_table("audit_tally")
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_session_user_id"))
        batch_op.drop_index(batch_op.f("ix_session_expires_at"))

    op.drop_table("session")
    with op.batch_alter_table("label", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_label_scope_project_id_name"))

    op.drop_table("label")
    op.drop_index("ix_project_metadata_public", "project_metadata")
    op.drop_index(op.f("ix_project_member_project_id_entity_type_role_entity_id"), "project_member")
    op.drop_table("cve_allowlist")
    op.drop_table("configuration")
