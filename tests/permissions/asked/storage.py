from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import REPOSITORY, Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    project, name = REPOSITORY.split("/")

    def one() -> dict[str, str]:
        return {"project_name": project, "repository_name": name, "reference": world.digest()}

    return {
        "getRepositoryStorage": lambda: {"path": one()},
        "getArtifactStorage": lambda: {"path": one()},
    }
