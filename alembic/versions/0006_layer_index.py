"""Which files the layers of artifacts hold."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    digest = sa.String(length=135)
    on_postgresql = sa.String(length=135, collation="C")
    op.create_table(
        "layer_index",
        sa.Column("digest", digest.with_variant(on_postgresql, "postgresql"), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("packages", sa.LargeBinary(), nullable=False),
        sa.Column("nentries", sa.Integer(), nullable=False),
        sa.Column("nbytes", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["blob.digest"], name=op.f("fk_layer_index_digest"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_layer_index")),
    )


def downgrade() -> None:
    op.drop_table("layer_index")
