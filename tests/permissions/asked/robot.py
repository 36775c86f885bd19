from collections.abc import Callable

from starlette.testclient import TestClient

from tests.make import ADMIN, API, Login, robot_of
from tests.permissions.world import Request, World

PULL = {"team": ["repository:pull"]}
ISSUER = "https://ci.example.org"


def trust_of(client: TestClient) -> dict[str, object]:
    """A trust that can be added: its issuer is listed."""
    listed = client.put(f"{API}/configurations", json={"workload_issuers": ISSUER}, auth=ADMIN)
    assert listed.status_code == 200, listed.text
    rules = [{"claim": "repository", "pattern": "team/app"}]
    return {"issuer": ISSUER, "audience": "harbor", "rules": rules}


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    team = world.client.get(f"{API}/projects/team", auth=ADMIN).json()["project_id"]

    def body() -> dict[str, object]:
        return robot_of(world.fresh("robot"), PULL)

    def made() -> tuple[dict[str, int], dict[str, object]]:
        told = body()
        answer = world.client.post(f"{API}/robots", json=told, auth=ADMIN).json()
        return {"robot_id": answer["id"]}, told | {"name": answer["name"]}

    def changed() -> Request:
        path, told = made()
        return {"path": path, "json": told}

    def trusted() -> Request:
        path, _ = made()
        place = f"{API}/robots/{path['robot_id']}/trusts"
        answer = world.client.post(place, json=trust_of(world.client), auth=ADMIN)
        return {"path": path | {"trust_id": answer.headers["Location"].rpartition("/")[2]}}

    return {
        "ListRobot": lambda: {"params": {"q": f"Level=project,ProjectID={team}"}},
        "CreateRobot": lambda: {"json": body()},
        "GetRobotByID": lambda: {"path": made()[0]},
        "UpdateRobot": changed,
        "RefreshSec": lambda: {"path": made()[0], "json": {}},
        "DeleteRobot": lambda: {"path": made()[0]},
        "listRobotTrusts": lambda: {"path": made()[0]},
        "addRobotTrust": lambda: {"path": made()[0], "json": trust_of(world.client)},
        "removeRobotTrust": trusted,
    }
