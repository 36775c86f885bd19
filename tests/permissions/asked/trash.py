from collections.abc import Callable

from tests.make import ADMIN, API, Login, push_image
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def deleted() -> int:
        """One more entry of the trash."""
        name = world.fresh("deleted")
        push_image(world.client, f"team/{name}")
        path = f"{API}/projects/team/repositories/{name}"
        assert world.client.delete(path, auth=ADMIN).status_code == 200
        listed = world.client.get(f"{API}/projects/team/trash?sort=-id", auth=ADMIN)
        return int(listed.json()[0]["id"])

    def one() -> Request:
        return {"path": {"project_name": "team", "trash_id": deleted()}}

    def tag(page: bool) -> Request:
        name = world.fresh("tagged")
        push_image(world.client, f"team/{name}")
        project = {} if page else {"project_name": "team"}
        return {"path": project | {"repository_name": name, "tag_name": "1.0"}}

    def first(page: bool) -> Request:
        asked = tag(page)
        path = f"{API}/projects/team/repositories/{asked['path']['repository_name']}"
        listed = world.client.get(f"{path}/tags/1.0/history", auth=ADMIN)
        return asked | {"data" if page else "json": {"id": listed.json()[0]["id"]}}

    return {
        "listTrash": lambda: {"path": {"project_name": "team"}},
        "restoreTrash": one,
        "deleteTrash": one,
        "emptyTrash": lambda: {"path": {"project_name": "team"}},
        "askToRestore": lambda: {"params": {"id": deleted()}},
        "restoreFromTrash": lambda: {"data": {"id": deleted()}},
        "askToDeleteForever": lambda: {"params": {"id": deleted()}},
        "deleteForever": lambda: {"data": {"id": deleted()}},
        "listTagHistory": lambda: tag(page=False),
        "rollBackTag": lambda: first(page=False),
        "setTagExpiry": lambda: tag(page=False) | {"json": {"expires_at": None}},
        "tagHistory": lambda: tag(page=True),
        "rollBackTagHere": lambda: first(page=True),
        "editTagExpiry": lambda: tag(page=True),
        "saveTagExpiry": lambda: tag(page=True) | {"data": {"after": "7"}},
    }
