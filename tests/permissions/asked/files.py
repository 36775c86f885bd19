from collections.abc import Callable

from tests.explorer.layers import image, push
from tests.make import ADMIN, API, Login
from tests.permissions.world import Request, World
from tests.tars import tar


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def one() -> dict[str, str]:
        project, name = "team", "files"
        push(world.client, f"{project}/{name}", tar(("file", b"content")))
        return {"project_name": project, "repository_name": name, "reference": "1.0"}

    def page() -> dict[str, str]:
        return one() | {"project_name_or_id": "team"}

    def two() -> Request:
        for tag in ("1", "2"):
            image(world.client, "team/pair", tag, {}, tar((tag, b"content")))
        found = world.client.get(f"{API}/projects/team/repositories/pair/artifacts", auth=ADMIN)
        named = {"project_name_or_id": "team", "repository_name": "pair"}
        return {"path": named, "params": {"id": [each["id"] for each in found.json()]}}

    return {
        "artifactPackagesPage": lambda: {"path": page()},
        "compareArtifactsPage": lambda: {"path": page(), "params": {"base": "1.0"}},
        "compareChosenArtifacts": two,
        "listPackages": lambda: {"path": one()},
        "artifactFilesPage": lambda: {"path": page()},
        "listFiles": lambda: {"path": one()},
        "compareArtifacts": lambda: {"path": one(), "params": {"base": "1.0"}},
        "getFile": lambda: {"path": one(), "params": {"path": "/file"}},
    }
