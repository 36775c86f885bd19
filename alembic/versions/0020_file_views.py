"""The files of images as they are looked at, in blocks.

Layers are read again when somebody asks: what is large now stands last in their rows, and what is
wrong with them is told in the reader's language.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def text(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.drop_table("layer_index")
    op.create_table(
        "layer_index",
        sa.Column("digest", text(135), nullable=False),
        sa.Column("nentries", sa.Integer(), nullable=False),
        sa.Column("nbytes", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("creation_time", TIME, nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("packages", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["blob.digest"], name=op.f("fk_layer_index_digest"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_layer_index")),
    )
    op.create_table(
        "file_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", text(271), nullable=False),
        sa.Column("manifest_digest", text(135), nullable=True),
        sa.Column("base_digest", text(135), nullable=True),
        sa.Column("layer_digest", text(135), nullable=True),
        sa.Column("nbytes", sa.BigInteger(), nullable=False),
        sa.Column("creation_time", TIME, nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], [other], name=op.f(f"fk_file_view_{column}"), ondelete="CASCADE"
            )
            for column, other in (
                ("manifest_digest", "manifest.digest"),
                ("base_digest", "manifest.digest"),
                ("layer_digest", "blob.digest"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_view")),
        sa.UniqueConstraint("key", name=op.f("uq_file_view_key")),
    )
    for column in ("manifest_digest", "base_digest", "layer_digest"):
        op.create_index(op.f(f"ix_file_view_{column}"), "file_view", [column])
    op.create_table(
        "file_view_block",
        sa.Column("view_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["view_id"],
            ["file_view.id"],
            name=op.f("fk_file_view_block_view_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("view_id", "part", "number", name=op.f("pk_file_view_block")),
    )


def downgrade() -> None:
    op.drop_table("file_view_block")
    op.drop_table("file_view")
    op.execute("DELETE FROM layer_index")
