"""What is done: create, find, list, change and delete projects."""

from harbor.projects.service.listing import Seen, search, see, storage, visible_to
from harbor.projects.service.projects import (
    MAX_STORAGE,
    UNLIMITED,
    change,
    check_creator,
    check_registry,
    create,
    find,
    find_by_reference,
    hold,
    is_name,
    name_of,
    remove,
    seed_library,
    storage_limit,
    why_it_stays,
)
from harbor.projects.service.standing import Standing, roles_of, standing

__all__ = [
    "MAX_STORAGE",
    "UNLIMITED",
    "Seen",
    "Standing",
    "change",
    "check_creator",
    "check_registry",
    "create",
    "find",
    "find_by_reference",
    "hold",
    "is_name",
    "name_of",
    "remove",
    "roles_of",
    "search",
    "see",
    "seed_library",
    "standing",
    "storage",
    "storage_limit",
    "visible_to",
    "why_it_stays",
]
