"""What is done: create, find, list, change and delete projects."""

from harbor.projects.service.listing import Seen, search, see, storage, visible_to
from harbor.projects.service.placed import require
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
    owner_of_new,
    remove,
    seed_library,
    storage_limit,
    why_it_stays,
)
from harbor.projects.service.ruling import PROJECT_ADMIN, ruling
from harbor.projects.service.sight import Sight, sight_in_catalogue, sight_of
from harbor.projects.service.standing import Standing, roles_of, standing, standing_at

__all__ = [
    "MAX_STORAGE",
    "PROJECT_ADMIN",
    "UNLIMITED",
    "Seen",
    "Sight",
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
    "owner_of_new",
    "remove",
    "require",
    "roles_of",
    "ruling",
    "search",
    "see",
    "seed_library",
    "sight_in_catalogue",
    "sight_of",
    "standing",
    "standing_at",
    "storage",
    "storage_limit",
    "visible_to",
    "why_it_stays",
]
