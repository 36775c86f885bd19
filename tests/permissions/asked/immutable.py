from collections.abc import Callable
from typing import Any

from tests.make import Login, make_rule, rule_of
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def rule() -> dict[str, Any]:
        # About no repository that the other requests are about.
        return rule_of(world.fresh("nothing"))

    def made() -> int:
        return make_rule(world.client, "team", rule())

    def changed() -> Request:
        rule_id = made()
        return {"path": {"immutable_rule_id": rule_id}, "json": rule() | {"id": rule_id}}

    return {
        "CreateImmuRule": lambda: {"json": rule()},
        "UpdateImmuRule": changed,
        "DeleteImmuRule": lambda: {"path": {"immutable_rule_id": made()}},
    }
