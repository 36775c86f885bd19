"""Wrong passwords, counted where all processes see them."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sign_in_try",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("wrong", sa.BigInteger(), nullable=False),
        sa.Column("last_time", TIME, nullable=False),
        sa.Column("until_time", TIME, nullable=False),
        sa.Column("known_time", TIME, nullable=True),
        sa.PrimaryKeyConstraint("name", "address", name=op.f("pk_sign_in_try")),
    )
    op.create_index(op.f("ix_sign_in_try_last_time"), "sign_in_try", ["last_time"])


def downgrade() -> None:
    op.drop_table("sign_in_try")
