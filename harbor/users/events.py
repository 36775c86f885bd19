"""What is told: accounts go."""

from msgspec import Struct


class UserDeleted(Struct, frozen=True):
    user_id: int
