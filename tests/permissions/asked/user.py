from collections.abc import Callable

from tests.make import ADMIN, API, PASSWORD, Login, make_user
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    name = world.fresh
    user = {"username": name("new"), "realname": "n", "password": PASSWORD, "comment": ""}

    def somebody() -> dict[str, int]:
        """The id of an account of nobody who asks."""
        username, _ = make_user(world.client, name("somebody"))
        found = world.client.get(
            f"{API}/users/search", params={"username": username}, auth=ADMIN
        ).json()
        return {"user_id": found[0]["user_id"]}

    profile = {"email": f"{name('m')}@example.com", "realname": "n", "comment": ""}
    return {
        "createUser": lambda: {"json": user | {"email": f"{name('m')}@example.com"}},
        "searchUsers": lambda: {"params": {"username": "a"}},
        "getUser": lambda: {"path": somebody()},
        "updateUserProfile": lambda: {"path": somebody(), "json": profile},
        "updateUserPassword": lambda: {
            "path": somebody(),
            "json": {"new_password": "Another-Passw0rd"},
        },
    }
