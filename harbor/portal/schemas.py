"""What is said: what pages show."""

from msgspec import Struct


class Home(Struct, frozen=True):
    """The start page: how to use this registry, with its own name in every command."""

    version: str
    host: str  # with its port, as the browser knows it
    secure: bool
    steps: tuple["Step", ...]


class Step(Struct, frozen=True):
    """One thing to do, and the command that does it."""

    title: str
    command: str
    note: str
