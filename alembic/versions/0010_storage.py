"""How storage grew, what large projects hold, and artifacts that lists find by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ASKED = ("tagged", "accessory", "type", "pull_time")
SORTED = (
    ("repository_id", "listed", "size"),
    ("project_id", "listed", "size"),
    ("project_id", "digest"),
)
DAY = {
    "sqlite": "date(creation_time)",
    "postgresql": "CAST(creation_time AT TIME ZONE 'UTC' AS date)",
}
# What is there today, by the day on which it came: what has gone since is not known any more.
GROWN = """
INSERT INTO storage_day (project_id, day, nbytes)
SELECT project_id, day, sum(added) OVER (PARTITION BY project_id ORDER BY day)
FROM (
    SELECT project_id, {day} AS day, sum(size) AS added
    FROM (SELECT project_id, creation_time, size FROM project_blob{store}) AS held
    GROUP BY project_id, {day}
) AS came
"""
STORE = """
    UNION ALL SELECT 0, creation_time, size FROM blob
    UNION ALL SELECT 0, creation_time, length(content) FROM manifest"""


def upgrade() -> None:
    op.create_table(
        "storage_day",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("nbytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "day", name=op.f("pk_storage_day")),
    )
    op.execute(GROWN.format(day=DAY[op.get_bind().dialect.name], store=STORE))
    op.create_table(
        "repository_storage",
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("nbytes", sa.BigInteger(), nullable=False),
        sa.Column("freed_bytes", sa.BigInteger(), nullable=False),
        sa.Column("unique_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.project_id"], name=op.f("fk_repository_storage_project_id")
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["repository.repository_id"],
            name=op.f("fk_repository_storage_repository_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("repository_id", name=op.f("pk_repository_storage")),
    )
    op.create_index(
        op.f("ix_repository_storage_project_id_freed_bytes"),
        "repository_storage",
        ["project_id", "freed_bytes"],
    )
    op.create_table(
        "project_storage",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("unique_bytes", sa.BigInteger(), nullable=False),
        sa.Column("count_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.project_id"],
            name=op.f("fk_project_storage_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_project_storage")),
    )
    for name in ("tagged", "accessory"):
        op.add_column(
            "artifact", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.execute("UPDATE artifact SET tagged = true WHERE id IN (SELECT artifact_id FROM tag)")
    op.execute(
        "UPDATE artifact SET accessory = true "
        "WHERE id IN (SELECT artifact_id FROM artifact_accessory)"
    )
    for key in ("repository", "project"):
        op.drop_index(op.f(f"ix_artifact_{key}_id_listed_push_time_id"), "artifact")
        op.create_index(
            f"ix_artifact_in_{key}", "artifact", [f"{key}_id", "listed", "push_time", "id", *ASKED]
        )
    for columns in SORTED:
        op.create_index(op.f(f"ix_artifact_{'_'.join(columns)}"), "artifact", list(columns))
    op.drop_index(op.f("ix_label_reference_label_id"), "label_reference")
    op.create_index(
        op.f("ix_label_reference_label_id_artifact_id"),
        "label_reference",
        ["label_id", "artifact_id"],
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_label_reference_label_id_artifact_id"), "label_reference")
    op.create_index(op.f("ix_label_reference_label_id"), "label_reference", ["label_id"])
    for columns in SORTED:
        op.drop_index(op.f(f"ix_artifact_{'_'.join(columns)}"), "artifact")
    for key in ("repository", "project"):
        op.drop_index(f"ix_artifact_in_{key}", "artifact")
        op.create_index(
            op.f(f"ix_artifact_{key}_id_listed_push_time_id"),
            "artifact",
            [f"{key}_id", "listed", "push_time", "id"],
        )
    for name in ("tagged", "accessory"):
        op.drop_column("artifact", name)
    for table in ("project_storage", "repository_storage", "storage_day"):
        op.drop_table(table)
