"""Personal access tokens, and second factors."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "access_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("actions", sa.String(64), nullable=False),
        sa.Column("projects", sa.Text(), nullable=True),
        sa.Column("creation_time", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("last_used", TIME, nullable=True),
        sa.Column("last_address", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["harbor_user.user_id"],
            name=op.f("fk_access_token_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("secret", name=op.f("uq_access_token_secret")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_access_token_user_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_access_token_user_id"), "access_token", ["user_id"])
    of_user(
        "second_factor",
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("creation_time", TIME, nullable=False),
        key=("user_id",),
    )
    of_user(
        "recovery_code", sa.Column("code", sa.String(64), nullable=False), key=("user_id", "code")
    )


def of_user(table: str, *rest: sa.Column[Any], key: tuple[str, ...]) -> None:
    """A table of what belongs to an account, and goes with it."""
    op.create_table(
        table,
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        *rest,
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["harbor_user.user_id"],
            name=op.f(f"fk_{table}_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}")),
    )


def downgrade() -> None:
    for table in ("recovery_code", "second_factor", "access_token"):
        op.drop_table(table)
