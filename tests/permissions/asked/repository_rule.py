from collections.abc import Callable
from typing import Any

from tests.make import Login, make_repository_rule
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def rule() -> dict[str, Any]:
        # About no repository that the other requests are about.
        return {"subject": {"type": "members"}, "pattern": world.fresh("nothing"), "role_id": 3}

    def form() -> dict[str, str]:
        return {"who": "members", "pattern": world.fresh("nothing"), "role_id": "3"}

    def made() -> dict[str, int]:
        return {"rule_id": make_repository_rule(world.client, "team", world.fresh("nothing"), 3)}

    return {
        "createRepositoryRule": lambda: {"json": rule()},
        "updateRepositoryRule": lambda: {"path": made(), "json": rule()},
        "deleteRepositoryRule": lambda: {"path": made()},
        "addRepositoryRule": lambda: {"data": form()},
        "editRepositoryRule": lambda: {"path": made()},
        "saveRepositoryRule": lambda: {"path": made(), "data": form()},
        "moveRepositoryRule": lambda: {"path": made(), "data": {"by": "1"}},
        "askToDeleteRepositoryRule": lambda: {"path": made()},
        "removeRepositoryRule": lambda: {"path": made()},
        "getEffectiveRole": lambda: {"params": {"user": "guest", "repository": "app"}},
    }
