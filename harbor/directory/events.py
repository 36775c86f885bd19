"""What is told: groups go."""

from msgspec import Struct


class GroupDeleted(Struct, frozen=True):
    group_id: int
