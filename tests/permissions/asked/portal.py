from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    return {
        "static": lambda: {"path": {"name": "portal.js"}},
        "staticOfBuild": lambda: {"path": {"build": "0", "name": "portal.js"}},
        "liveEvents": lambda: {"params": {"wait_s": 0}},
        "keepPreferences": lambda: {"data": {"theme": "dark"}},
        "signIn": lambda: {"data": {"principal": world.fresh("nobody"), "password": "wrong"}},
    }
