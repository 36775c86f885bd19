"""Rules that give other roles in some repositories of a project."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "repository_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("subject_type", sa.String(length=1), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("pattern", sa.String(length=512), nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.project_id"],
            name=op.f("fk_repository_rule_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repository_rule")),
        sa.UniqueConstraint(
            "project_id",
            "subject_type",
            "subject_id",
            "pattern",
            name=op.f("uq_repository_rule_project_id_subject_type_subject_id_pattern"),
        ),
    )
    op.create_index(
        op.f("ix_repository_rule_subject_type_subject_id"),
        "repository_rule",
        ["subject_type", "subject_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_repository_rule_subject_type_subject_id"), "repository_rule")
    op.drop_table("repository_rule")
