from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    return {
        # A right password would leave a cookie, and the rest would be asked by its owner.
        "login": lambda: {"data": {"principal": world.fresh("nobody"), "password": "wrong"}},
        "userExists": lambda: {"data": {"target": "username", "value": "admin"}},
    }
