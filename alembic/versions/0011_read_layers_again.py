"""Layers are read again when somebody asks: until now nobody looked for RPM and Go in them."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM layer_index")


def downgrade() -> None:
    """What was forgotten is read again, too."""
