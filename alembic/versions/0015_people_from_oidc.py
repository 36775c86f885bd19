"""Who people are at an OpenID provider, and the secrets of their clients."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "oidc_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("username", sa.String(255), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("group_names", sa.JSON(), nullable=False),
        sa.Column("admin_group", sa.String(255), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=True),
        sa.Column("id_token", sa.Text(), nullable=True),
        sa.Column("pending", sa.String(64), nullable=True),
        sa.Column("pending_until", TIME, nullable=True),
        sa.Column("told_time", TIME, nullable=False),
        sa.Column("tried_time", TIME, nullable=False),
        sa.Column("creation_time", TIME, nullable=False),
        sa.Column("update_time", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["harbor_user.user_id"],
            name=op.f("fk_oidc_user_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oidc_user")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_oidc_user_issuer_subject")),
        sa.UniqueConstraint("pending", name=op.f("uq_oidc_user_pending")),
        sa.UniqueConstraint("user_id", name=op.f("uq_oidc_user_user_id")),
    )


def downgrade() -> None:
    op.drop_table("oidc_user")
