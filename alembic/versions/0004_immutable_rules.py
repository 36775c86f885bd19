"""Rules that make tags immutable; artifacts are found by the layer that is their icon."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    fingerprint = sa.String(length=64)
    on_postgresql = sa.String(length=64, collation="C")
    op.create_table(
        "immutable_tag_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column(
            "fingerprint", fingerprint.with_variant(on_postgresql, "postgresql"), nullable=False
        ),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("tag_selectors", sa.Text(), nullable=False),
        sa.Column("scope_selectors", sa.Text(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.project_id"],
            name=op.f("fk_immutable_tag_rule_project_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_immutable_tag_rule")),
        sa.UniqueConstraint(
            "project_id", "fingerprint", name=op.f("uq_immutable_tag_rule_project_id_fingerprint")
        ),
    )
    with_icon = sa.text("icon IS NOT NULL")
    op.create_index(
        op.f("ix_artifact_icon"),
        "artifact",
        ["icon"],
        unique=False,
        sqlite_where=with_icon,
        postgresql_where=with_icon,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_artifact_icon"), "artifact")
    op.drop_table("immutable_tag_rule")
