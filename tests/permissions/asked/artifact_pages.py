from collections.abc import Callable

from tests.artifacts.pages import CHART
from tests.artifacts.pages import push as push_any
from tests.make import ADMIN, API, Login, push_image
from tests.permissions.world import REPOSITORY, Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    project, name = REPOSITORY.split("/")
    here = {"repository_name": name}
    artifacts = f"{API}/projects/{project}/repositories/{name}/artifacts"
    push_image(world.client, REPOSITORY)

    def one() -> Request:
        return {"path": here | {"reference": world.digest()}}

    def id_in(path: str) -> int:
        found = world.client.get(path, auth=ADMIN).json()
        return int((found[0] if isinstance(found, list) else found)["id"])

    def label() -> int:
        body = {"name": world.fresh("label"), "scope": "g"}
        made = world.client.post(f"{API}/labels", json=body, auth=ADMIN)
        return int(made.headers["Location"].rpartition("/")[2])

    def chosen(sent_as: str) -> Request:
        artifact = id_in(f"{artifacts}/{world.digest()}")
        return {"path": here, sent_as: {"id": artifact, "label": label()}}

    def tagged(sent_as: str) -> Request:
        asked = one()
        tag = id_in(f"{artifacts}/{asked['path']['reference']}/tags")
        return asked | {sent_as: {"id": tag}}

    def chart() -> Request:
        push_any(world.client, f"{project}/chart", "1.0", CHART, {"name": "chart"})
        named = {"repository_name": "chart", "reference": "1.0", "addition": "readme.md"}
        return {"path": named}

    def copied() -> Request:
        artifact = id_in(f"{artifacts}/{world.digest()}")
        return {
            "path": here,
            "data": {"id": artifact, "project": project, "repository": "copies"},
        }

    return {
        "artifactAdditionPage": chart,
        "chooseWhereToCopy": lambda: chosen("params"),
        "copyArtifacts": copied,
        "repositoryPage": lambda: {"path": here},
        "repositoryInfoPage": lambda: {"path": here},
        "editRepositoryInfo": lambda: {"path": here},
        "saveRepositoryInfo": lambda: {"path": here, "data": {"description": "what it is"}},
        "artifactsPage": lambda: {"path": here},
        "childrenPage": one,
        "accessoriesPart": one,
        "artifactPage": one,
        "artifactLayersPage": one,
        "artifactManifestPage": one,
        "artifactManifestFile": one,
        "artifactDigests": lambda: chosen("params"),
        "askToDeleteArtifacts": lambda: chosen("params"),
        "deleteArtifacts": lambda: chosen("data"),
        "chooseLabelsToAdd": lambda: chosen("params"),
        "addLabels": lambda: chosen("data"),
        "chooseLabelsToRemove": lambda: chosen("params"),
        "removeLabelsHere": lambda: chosen("data"),
        "newTag": one,
        "addTag": lambda: one() | {"data": {"name": world.fresh("new")}},
        "askToRemoveTags": lambda: tagged("params"),
        "removeTags": lambda: tagged("data"),
    }
