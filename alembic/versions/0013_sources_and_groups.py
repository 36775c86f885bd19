"""Where accounts come from, groups of people, and who belongs to them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SOURCE = (("source", 16), ("source_id", 255))


def upgrade() -> None:
    for name, length in SOURCE:
        text = sa.Column(name, sa.String(length=length), nullable=False, server_default="")
        op.add_column("harbor_user", text)
    op.add_column(
        "harbor_user",
        sa.Column("admin_role_in_auth", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "user_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_name", sa.String(length=255), nullable=False),
        sa.Column("group_type", sa.Integer(), nullable=False),
        sa.Column("ldap_group_dn", sa.String(length=512), nullable=False),
        sa.Column("identity", sa.String(length=512), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_group")),
        sa.UniqueConstraint(
            "group_type", "identity", name=op.f("uq_user_group_group_type_identity")
        ),
    )
    op.create_index(op.f("ix_user_group_group_name"), "user_group", ["group_name"], unique=False)
    op.create_table(
        "user_group_member",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["user_group.id"],
            name=op.f("fk_user_group_member_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["harbor_user.user_id"],
            name=op.f("fk_user_group_member_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_user_group_member")),
    )
    op.create_index(
        op.f("ix_user_group_member_user_id"), "user_group_member", ["user_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_user_group_member_user_id"), "user_group_member")
    op.drop_table("user_group_member")
    op.drop_index(op.f("ix_user_group_group_name"), "user_group")
    op.drop_table("user_group")
    for name in ("admin_role_in_auth", "source_id", "source"):
        op.drop_column("harbor_user", name)
