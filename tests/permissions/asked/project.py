from collections.abc import Callable

from tests.make import ADMIN, API, Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def renamed() -> dict[str, str]:
        """A project, and what it was called before."""
        former, name = world.project(), world.fresh("project")
        path = f"{API}/projects/{former}/rename"
        assert world.client.post(path, json={"name": name}, auth=ADMIN).status_code == 200
        return {"project_name_or_id": name, "former_name": former}

    return {
        "renameProject": lambda: {
            "path": {"project_name_or_id": world.project()},
            "json": {"name": world.fresh("project")},
        },
        "deleteProjectRedirect": lambda: {"path": renamed()},
        "createProject": lambda: {"json": {"project_name": world.fresh("project")}},
        "headProject": lambda: {"params": {"project_name": "team"}},
        "updateProject": lambda: {"json": {"metadata": {"severity": "low"}}},
        "deleteProject": lambda: {"path": {"project_name_or_id": world.project()}},
    }
