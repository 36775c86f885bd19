"""Repositories know how many artifacts their lists show."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    count = sa.Column("artifact_count", sa.Integer(), nullable=False, server_default="0")
    op.add_column("repository", count)
    # Counted together: where there are many repositories, to look for each would take as long.
    op.execute(
        "UPDATE repository SET artifact_count = counted.artifacts FROM (SELECT repository_id, "
        "count(*) AS artifacts FROM artifact WHERE listed GROUP BY repository_id) AS counted "
        "WHERE counted.repository_id = repository.repository_id"
    )


def downgrade() -> None:
    op.drop_column("repository", "artifact_count")
