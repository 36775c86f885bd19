from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    library = {"path": {"id": 1}}
    return {
        "getQuota": lambda: dict(library),
        "updateQuota": lambda: library | {"json": {"hard": {"storage": -1}}},
    }
