from collections.abc import Callable
from typing import Any

from tests.make import ADMIN, API, Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    team = world.client.get(f"{API}/projects/team", auth=ADMIN).json()["project_id"]

    def label() -> dict[str, Any]:
        return {"name": world.fresh("label"), "scope": "p", "project_id": team}

    def made() -> dict[str, str]:
        answer = world.client.post(f"{API}/labels", json=label(), auth=ADMIN)
        return {"label_id": answer.headers["Location"].rpartition("/")[2]}

    return {
        "ListLabels": lambda: {"params": {"scope": "p", "project_id": team}},
        "CreateLabel": lambda: {"json": label()},
        "GetLabelByID": lambda: {"path": made()},
        "UpdateLabel": lambda: {"path": made(), "json": {"color": "#0095D3"}},
        "DeleteLabel": lambda: {"path": made()},
    }
