"""Uploads are rows once something was sent to them; of those that are over, the ids are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ended_upload",
        sa.Column(
            "id",
            sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ended_upload")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("ended_upload")
