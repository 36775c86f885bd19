from collections.abc import Callable

from tests.make import ADMIN, API, Login
from tests.permissions.world import REPOSITORY, Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    project, name = REPOSITORY.split("/")
    here = {"project_name": project, "repository_name": name}

    def one() -> dict[str, str]:
        return here | {"reference": world.digest()}

    def tagged() -> dict[str, str]:
        return one() | {"tag_name": f"tag{world.count}"}

    def label() -> int:
        body = {"name": world.fresh("label"), "scope": "g"}
        made = world.client.post(f"{API}/labels", json=body, auth=ADMIN)
        return int(made.headers["Location"].rpartition("/")[2])

    def labelled() -> dict[str, str]:
        path, label_id = one(), label()
        labels = (
            f"{API}/projects/{project}/repositories/{name}/artifacts/{path['reference']}/labels"
        )
        assert world.client.post(labels, json={"id": label_id}, auth=ADMIN).status_code == 200
        return path | {"label_id": str(label_id)}

    return {
        "listArtifacts": lambda: {"path": here if world.digest() else {}},
        "CopyArtifact": lambda: {
            "path": here | {"repository_name": world.fresh("copy")},
            "params": {"from": f"{REPOSITORY}@{world.digest()}"},
        },
        "getArtifact": lambda: {"path": one()},
        "deleteArtifact": lambda: {"path": one()},
        "listTags": lambda: {"path": one()},
        "createTag": lambda: {"path": one(), "json": {"name": world.fresh("new")}},
        "deleteTag": lambda: {"path": tagged()},
        "getAddition": lambda: {"path": one() | {"addition": "build_history"}},
        "getVulnerabilitiesAddition": lambda: {"path": one()},
        "listAccessories": lambda: {"path": one()},
        "addLabel": lambda: {"path": one(), "json": {"id": label()}},
        "removeLabel": lambda: {"path": labelled()},
    }
