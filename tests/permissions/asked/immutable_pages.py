from collections.abc import Callable

from tests.make import Login, make_rule, rule_of
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def one() -> dict[str, int]:
        # About no repository that the other requests are about.
        return {"rule_id": make_rule(world.client, "team", rule_of(world.fresh("nothing")))}

    def form() -> Request:
        return {"data": {"repositories": world.fresh("nothing"), "tags": "v*"}}

    return {
        "addNewImmutableRule": form,
        "editImmutableRule": lambda: {"path": one()},
        "saveImmutableRule": lambda: {"path": one()} | form(),
        "switchImmutableRule": lambda: {"path": one(), "data": {"disabled": "true"}},
        "askToDeleteImmutableRule": lambda: {"path": one()},
        "removeImmutableRule": lambda: {"path": one()},
    }
