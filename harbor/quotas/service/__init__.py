"""What is done: limit what projects store, and know how much they do."""

from harbor.quotas.service.quotas import Known, add, change, get, remove, search, seed
from harbor.quotas.service.usage import (
    charged,
    hold,
    recount,
    recount_moved,
    release,
    require_room,
)

__all__ = [
    "Known",
    "add",
    "change",
    "charged",
    "get",
    "hold",
    "recount",
    "recount_moved",
    "release",
    "remove",
    "require_room",
    "search",
    "seed",
]
