from collections.abc import Callable

from tests.make import ADMIN, API, Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    team = world.client.get(f"{API}/projects/team", auth=ADMIN).json()["project_id"]

    def made(project_id: int) -> int:
        told = {"name": world.fresh("label"), "scope": "p" if project_id else "g"}
        body = told | {"project_id": project_id}
        answer = world.client.post(f"{API}/labels", json=body, auth=ADMIN)
        return int(answer.headers["Location"].rpartition("/")[2])

    def form() -> Request:
        return {"data": {"name": world.fresh("label"), "color": "#0065AB"}}

    return {
        "addNewLabel": form,
        "addNewProjectLabel": form,
        "editLabel": lambda: {"path": {"label_id": made(0)}},
        "editProjectLabel": lambda: {"path": {"label_id": made(team)}},
        "saveLabel": lambda: {"path": {"label_id": made(0)}} | form(),
        "saveProjectLabel": lambda: {"path": {"label_id": made(team)}} | form(),
        "askToDeleteLabels": lambda: {"params": {"id": made(0)}},
        "askToDeleteProjectLabels": lambda: {"params": {"id": made(team)}},
        "removeLabels": lambda: {"data": {"id": made(0)}},
        "removeProjectLabels": lambda: {"data": {"id": made(team)}},
    }
