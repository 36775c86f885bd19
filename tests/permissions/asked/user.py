from collections.abc import Callable

from tests.make import ADMIN, API, PASSWORD, Login, make_user
from tests.permissions.world import Request, World

NEW = "Another-Passw0rd"


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    name = world.fresh
    twice = {"new_password": NEW, "confirm": NEW}
    user = {"username": name("new"), "realname": "n", "password": PASSWORD, "comment": ""}

    def somebody() -> int:
        """The id of an account of nobody who asks."""
        username, _ = make_user(world.client, name("somebody"))
        found = world.client.get(
            f"{API}/users/search", params={"username": username}, auth=ADMIN
        ).json()
        return int(found[0]["user_id"])

    def path() -> dict[str, int]:
        return {"user_id": somebody()}

    def first_admin_stays() -> Request:
        """Somebody has the name that the first administrator would get."""
        taken = {"username": "admin@harbor.local", "email": "taken@example.com"}
        world.client.post(f"{API}/users", json=user | taken, auth=ADMIN)
        return {}

    profile = {"email": f"{name('m')}@example.com", "realname": "n", "comment": ""}
    return {
        "createUser": lambda: {"json": user | {"email": f"{name('m')}@example.com"}},
        "searchUsers": lambda: {"params": {"username": "a"}},
        "getUser": lambda: {"path": path()},
        "updateUserProfile": lambda: {"path": path(), "json": profile},
        "updateUserPassword": lambda: {
            "path": path(),
            "json": {"new_password": NEW},
        },
        "setCliSecret": lambda: {"path": path(), "json": {"secret": ""}},
        "deleteUser": lambda: {"path": path()},
        "setUserSysAdmin": lambda: {"path": path(), "json": {"sysadmin_flag": True}},
        "renameAdmin": first_admin_stays,
        "renameAdminHere": first_admin_stays,
        "saveProfile": lambda: {"data": {"email": f"{name('m')}@example.com", "realname": "n"}},
        "changeOwnPassword": lambda: {"data": {"old_password": "wrong"} | twice},
        "addUser": lambda: {
            "data": user
            | {"username": name("n"), "email": f"{name('m')}@example.com", "confirm": PASSWORD}
        },
        "askToChangeAdmins": lambda: {"path": {"change": "give"}, "params": {"id": somebody()}},
        "changeAdmins": lambda: {"path": {"change": "revoke"}, "data": {"id": somebody()}},
        "askToDeleteUsers": lambda: {"params": {"id": somebody()}},
        "removeUsers": lambda: {"data": {"id": somebody()}},
        "askForPassword": lambda: {"path": path()},
        "resetPassword": lambda: {"path": path(), "data": twice},
    }
