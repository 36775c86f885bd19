"""Former names of projects and of repositories."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name = sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql")
    op.create_table(
        "project_redirect",
        sa.Column("name", name, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.project_id"],
            name=op.f("fk_project_redirect_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_project_redirect")),
    )
    op.create_index(op.f("ix_project_redirect_project_id"), "project_redirect", ["project_id"])
    op.create_table(
        "repository_redirect",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", name, nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.project_id"],
            name=op.f("fk_repository_redirect_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["repository.repository_id"],
            name=op.f("fk_repository_redirect_repository_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("pk_repository_redirect")),
    )
    op.create_index(
        op.f("ix_repository_redirect_repository_id"), "repository_redirect", ["repository_id"]
    )


def downgrade() -> None:
    op.drop_table("repository_redirect")
    op.drop_table("project_redirect")
