"""Lists of artifacts: their indexes begin with what was pushed last, as the lists do."""

from alembic import op
from sqlalchemy import text

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ASKED = ["tagged", "accessory", "type", "pull_time", "size", "icon"]
MORE = {"repository": [], "project": ["repository_id"]}
TYPES = ["media_type", "manifest_media_type", "artifact_type"]


def upgrade() -> None:
    make(" DESC")


def downgrade() -> None:
    make("")


def make(direction: str) -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    listed = ["listed", text("push_time" + direction), text("id" + direction)]
    for name, more in MORE.items():
        index = f"ix_artifact_{'and_types_' if is_sqlite else ''}in_{name}"
        op.drop_index(index, "artifact")
        columns = [f"{name}_id", *listed, *ASKED, *more, *(TYPES if is_sqlite else [])]
        op.create_index(index, "artifact", columns)
