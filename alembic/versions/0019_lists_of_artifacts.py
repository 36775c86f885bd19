"""Lists of artifacts find all that they are sorted and filtered by in one index."""

from collections.abc import Sequence

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

LISTED = ["listed", "push_time", "id"]
ASKED = ["tagged", "accessory", "type", "pull_time"]
MORE = {"repository": ["size", "icon"], "project": ["size", "icon", "repository_id"]}
TYPES = ["media_type", "manifest_media_type", "artifact_type"]


def upgrade() -> None:
    # Three texts that anybody chooses may be longer than what an index of PostgreSQL takes.
    types = TYPES if op.get_bind().dialect.name == "sqlite" else []
    for name, more in MORE.items():
        index(name, [*ASKED, *more, *types])


def downgrade() -> None:
    for name in MORE:
        index(name, ASKED)


def index(name: str, columns: Sequence[str]) -> None:
    op.drop_index(f"ix_artifact_in_{name}", "artifact")
    op.create_index(f"ix_artifact_in_{name}", "artifact", [f"{name}_id", *LISTED, *columns])
