"""What is told: projects come, go, and get other names."""

from msgspec import Struct


class ProjectCreated(Struct, frozen=True):
    project_id: int
    storage_limit: int | None  # bytes; None: whatever a new project gets


class ProjectDeleted(Struct, frozen=True):
    project_id: int


class ProjectRenamed(Struct, frozen=True):
    """It is told twice: before the project's row is held, and again after that.

    Whoever pushes holds what is in the project first, and the project last.
    """

    project_id: int
    old: str
    new: str
