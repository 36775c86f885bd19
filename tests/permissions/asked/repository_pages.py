from collections.abc import Callable

from tests.make import ADMIN, API, Login, push_image
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def made() -> int:
        name = world.fresh("repository")
        push_image(world.client, f"team/{name}")
        path = f"{API}/projects/team/repositories/{name}"
        return int(world.client.get(path, auth=ADMIN).json()["id"])

    def moved(sent: str) -> Request:
        """What is asked about a repository that was called otherwise before."""
        former, name = world.fresh("repository"), world.fresh("repository")
        push_image(world.client, f"team/{former}")
        path = f"{API}/projects/team/repositories/{former}/move"
        assert world.client.post(path, json={"name": name}, auth=ADMIN).status_code == 200
        return {"path": {"repository_name": name}, sent: {"name": f"team/{former}"}}

    def move() -> Request:
        name = world.fresh("repository")
        push_image(world.client, f"team/{name}")
        return {
            "path": {"repository_name": name},
            "data": {"repository": world.fresh("repository")},
        }

    return {
        "askToMoveRepository": move,
        "moveRepositoryHere": move,
        "askToEndFormerRepositoryName": lambda: moved("params"),
        "endFormerRepositoryName": lambda: moved("data"),
        "askToDeleteRepositories": lambda: {"params": {"id": made()}},
        "deleteRepositories": lambda: {"data": {"id": made()}},
    }
