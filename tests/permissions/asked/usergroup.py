from collections.abc import Callable

from tests.make import ADMIN, API, Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    stranger = {"username": "stranger"}

    def group() -> int:
        body = {"group_name": world.fresh("group")}
        made = world.client.post(f"{API}/usergroups", json=body, auth=ADMIN)
        return int(made.headers["Location"].rpartition("/")[2])

    def path() -> Request:
        return {"path": {"group_id": group()}}

    def joined() -> Request:
        group_id = group()
        where = f"{API}/usergroups/{group_id}/members"
        world.client.post(where, json=stranger, auth=ADMIN)
        (member,) = world.client.get(where, auth=ADMIN).json()
        return {"path": {"group_id": group_id, "user_id": member["user_id"]}}

    return {
        "createUserGroup": lambda: {"json": {"group_name": world.fresh("group")}},
        "searchUserGroups": lambda: {"params": {"groupname": "g"}},
        "getUserGroup": path,
        "updateUserGroup": lambda: path() | {"json": {"group_name": world.fresh("group")}},
        "deleteUserGroup": path,
        "listUserGroupMembers": path,
        "addUserGroupMember": lambda: path() | {"json": stranger},
        "removeUserGroupMember": joined,
        "addGroup": lambda: {"data": {"group_name": world.fresh("group")}},
        "groupPage": path,
        "editGroup": path,
        "renameGroup": lambda: path() | {"data": {"group_name": world.fresh("group")}},
        "askToDeleteGroups": lambda: {"params": {"id": group()}},
        "removeGroups": lambda: {"data": {"id": group()}},
        "newGroupMember": path,
        "joinGroup": lambda: path() | {"data": stranger},
        "askToLeaveGroup": lambda: (
            (asked := joined()) | {"params": {"id": asked["path"]["user_id"]}}
        ),
        "leaveGroup": lambda: (asked := joined()) | {"data": {"id": asked["path"]["user_id"]}},
        "addProjectGroup": lambda: {"data": {"group_id": group(), "role_id": 3}},
    }
