from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    form = {"data": {"storage_unit": "none"}}
    library = {"path": {"id": 1}}
    return {
        "editQuota": lambda: dict(library),
        "saveQuota": lambda: library | form,
        "saveDefaultQuota": lambda: dict(form),
    }
