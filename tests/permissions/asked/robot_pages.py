from collections.abc import Callable

from tests.make import ADMIN, API, Login, robot_of
from tests.permissions.asked.robot import trust_of
from tests.permissions.world import Request, World

PULL = ["repository:pull"]


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def made(level: str) -> int:
        body = robot_of(world.fresh("robot"), {"team": PULL}, level=level)
        return int(world.client.post(f"{API}/robots", json=body, auth=ADMIN).json()["id"])

    def form() -> Request:
        return {
            "data": {
                "name": world.fresh("robot"),
                "allow": ["0 repository:pull"],
                "projects": "team",
            }
        }

    found: dict[str, Callable[[], Request]] = {}
    for level, ours in (("system", "Robot"), ("project", "ProjectRobot")):

        def path(level: str = level) -> Request:
            return {"path": {"robot_id": made(level)}}

        def asked(level: str = level) -> Request:
            return {"params": {"id": made(level)}}

        def chosen(level: str = level) -> Request:
            return {"data": {"id": made(level)}}

        def changed(level: str = level) -> Request:
            return {"path": {"robot_id": made(level)}} | form()

        found |= {
            f"{ours[0].lower()}{ours[1:]}Trusts": path,
            **of_trusts(world, ours, path),
            f"addNew{ours}": form,
            f"edit{ours}": path,
            f"save{ours}": changed,
            f"switch{ours}": path,
            f"askToRefresh{ours}": path,
            f"refresh{ours}": path,
            f"askToDelete{ours}s": asked,
            f"remove{ours}s": chosen,
        }
    return found


def of_trusts(
    world: World, ours: str, path: Callable[[], Request]
) -> dict[str, Callable[[], Request]]:
    def trusting() -> Request:
        told = trust_of(world.client)
        data = {"issuer": told["issuer"], "audience": "x", "rules": "repository = team/app"}
        return path() | {"data": data}

    def distrusting() -> Request:
        asked = path()
        place = f"{API}/robots/{asked['path']['robot_id']}/trusts"
        answer = world.client.post(place, json=trust_of(world.client), auth=ADMIN)
        return asked | {"data": {"trust_id": answer.headers["Location"].rpartition("/")[2]}}

    return {f"trustBy{ours}": trusting, f"distrustBy{ours}": distrusting}
