"""What is told: accounts go."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UserDeleted:
    user_id: int
