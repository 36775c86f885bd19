"""What is told: projects come and go."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProjectCreated:
    project_id: int
    storage_limit: int | None  # bytes; None: whatever a new project gets


@dataclass(frozen=True, slots=True)
class ProjectDeleted:
    project_id: int
