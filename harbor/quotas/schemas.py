"""What is said: quotas, as callers see and change them."""

from msgspec import Struct

from harbor.core.query import Listing
from harbor.core.wire import Time

Resources = dict[str, int]  # bytes by resource, of which there is one: "storage"


class QuotaQuery(Listing, kw_only=True):
    """Which quotas to list."""

    reference: str = ""  # a kind of thing; only "project" has quotas
    reference_id: str = ""


class QuotaUpdateReq(Struct):
    """The limit to set; -1 is none."""

    hard: Resources | None = None


class QuotaRefObject(Struct):
    """The project that is limited."""

    id: int
    name: str
    owner_name: str


class Quota(Struct, kw_only=True):
    """How much a project may store, and how much it does."""

    id: int
    ref: QuotaRefObject
    hard: Resources
    used: Resources
    creation_time: Time
    update_time: Time
