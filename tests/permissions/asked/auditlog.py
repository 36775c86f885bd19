from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    return {
        "getLogExts": lambda: {"path": {"project_name": "team"}},
        "getLogs": lambda: {"path": {"project_name": "team"}},
    }
