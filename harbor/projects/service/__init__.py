"""What is done: create, find and list projects."""

from harbor.projects.service.projects import (
    Seen,
    Standing,
    check_registry,
    create,
    find,
    find_by_reference,
    roles_of,
    search,
    see,
    seed_library,
    standing,
)

__all__ = [
    "Seen",
    "Standing",
    "check_registry",
    "create",
    "find",
    "find_by_reference",
    "roles_of",
    "search",
    "see",
    "seed_library",
    "standing",
]
