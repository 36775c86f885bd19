"""What is told: groups go."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GroupDeleted:
    group_id: int
