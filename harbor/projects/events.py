"""What is told: projects come, go, and get other names."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProjectCreated:
    project_id: int
    storage_limit: int | None  # bytes; None: whatever a new project gets


@dataclass(frozen=True, slots=True)
class ProjectDeleted:
    project_id: int


@dataclass(frozen=True, slots=True)
class ProjectRenamed:
    """It is told twice: before the project's row is held, and again after that.

    Whoever pushes holds what is in the project first, and the project last.
    """

    project_id: int
    old: str
    new: str
