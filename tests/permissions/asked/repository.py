from collections.abc import Callable

from tests.make import ADMIN, API, Login, push_image
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def named() -> dict[str, str]:
        name = world.fresh("repository")
        push_image(world.client, f"team/{name}")
        return {"project_name": "team", "repository_name": name}

    def moved() -> dict[str, str]:
        """A repository, and what it was called before."""
        path, name = named(), world.fresh("repository")
        place = f"{API}/projects/team/repositories/{path['repository_name']}/move"
        assert world.client.post(place, json={"name": name}, auth=ADMIN).status_code == 200
        former = f"team%252F{path['repository_name']}"
        return {"project_name": "team", "repository_name": name, "former_name": former}

    return {
        "moveRepository": lambda: {"path": named(), "json": {"name": world.fresh("repository")}},
        "deleteRepositoryRedirect": lambda: {"path": moved()},
        "listRepositories": lambda: {"path": {"project_name": "team"}},
        "listRepositoryRedirects": lambda: {"path": named()},
        "getRepository": lambda: {"path": named()},
        "updateRepository": lambda: {"path": named(), "json": {"description": "what it is"}},
        "deleteRepository": lambda: {"path": named()},
    }
