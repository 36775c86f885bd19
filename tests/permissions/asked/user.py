from collections.abc import Callable

from tests.make import PASSWORD, Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    name = world.fresh
    user = {"username": name("new"), "realname": "n", "password": PASSWORD, "comment": ""}
    return {"createUser": lambda: {"json": user | {"email": f"{name('m')}@example.com"}}}
