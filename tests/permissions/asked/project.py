from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    return {
        "createProject": lambda: {"json": {"project_name": world.fresh("project")}},
        "headProject": lambda: {"params": {"project_name": "team"}},
        "updateProject": lambda: {"json": {"metadata": {"severity": "low"}}},
        "deleteProject": lambda: {"path": {"project_name_or_id": world.project()}},
    }
