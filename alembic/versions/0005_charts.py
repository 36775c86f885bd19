"""Charts: the repositories of a project that hold them are found by an index.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
NAME = "ix_artifact_project_id_type_repository_id"


def upgrade() -> None:
    op.create_index(op.f(NAME), "artifact", ["project_id", "type", "repository_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f(NAME), "artifact")
