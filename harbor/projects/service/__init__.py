"""What is done: create, find and list projects."""

from harbor.projects.service.projects import (
    Seen,
    check_registry,
    create,
    find,
    find_by_reference,
    is_public,
    roles_of,
    search,
    see,
    seed_library,
)

__all__ = [
    "Seen",
    "check_registry",
    "create",
    "find",
    "find_by_reference",
    "is_public",
    "roles_of",
    "search",
    "see",
    "seed_library",
]
