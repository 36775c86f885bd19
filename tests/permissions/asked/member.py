from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    member = {"role_id": 3, "member_user": {"username": "stranger"}}
    return {
        "createProjectMember": lambda: {"json": member},
        "getProjectMember": lambda: {"path": {"mid": world.member()}},
        "updateProjectMember": lambda: {"path": {"mid": world.member()}, "json": {"role_id": 2}},
        "deleteProjectMember": lambda: {"path": {"mid": world.member()}},
    }
