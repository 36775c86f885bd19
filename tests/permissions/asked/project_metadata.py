from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def public(**more: Request) -> Request:
        """The key that every project has, in a project of its own."""
        path = {"project_name_or_id": world.project(), "meta_name": "public"}
        return {"path": path, **more}

    return {
        "addProjectMetadatas": lambda: public(json={"auto_scan": "true"}),
        "getProjectMetadata": public,
        "updateProjectMetadata": lambda: public(json={"public": "false"}),
        "deleteProjectMetadata": public,
    }
