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
    types = TYPES if has_types() else []
    for name, more in MORE.items():
        op.drop_index(f"ix_artifact_in_{name}", "artifact")
        make(name, [*ASKED, *more, *types])


def downgrade() -> None:
    types = "and_types_" if has_types() else ""
    for name in MORE:
        op.drop_index(f"ix_artifact_{types}in_{name}", "artifact")
        make(name, ASKED)


def has_types() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def make(name: str, columns: Sequence[str]) -> None:
    types = "and_types_" if TYPES[0] in columns else ""
    every = [f"{name}_id", *LISTED, *columns]
    op.create_index(f"ix_artifact_{types}in_{name}", "artifact", every)
