from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    return {
        "pingOIDC": lambda: {"json": {"url": "ftp://provider.example", "verify_cert": True}},
        "onboard": lambda: {"json": {"username": world.fresh("chosen")}},
        "chooseThisName": lambda: {"data": {"username": world.fresh("chosen")}},
        "changeCliSecret": lambda: {"data": {"secret": ""}},
    }
