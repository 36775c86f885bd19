"""What is said: what the page of the API shows."""

from msgspec import Struct


class ApiPage(Struct, frozen=True):
    """Where the description is."""

    description: str
