from collections.abc import Callable

from tests.make import ADMIN, API, Login, make_user
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def project_id() -> int:
        answer = world.client.get(f"{API}/projects/{world.project()}", auth=ADMIN)
        return int(answer.json()["project_id"])

    def renamed() -> tuple[str, str]:
        """What a project is called, and what it was called before."""
        former, name = world.project(), world.fresh("project")
        path = f"{API}/projects/{former}/rename"
        assert world.client.post(path, json={"name": name}, auth=ADMIN).status_code == 200
        return name, former

    def ended(sent: str) -> Request:
        name, former = renamed()
        return {"path": {"project_name_or_id": name}, sent: {"name": former}}

    return {
        "renameProjectHere": lambda: {
            "path": {"project_name_or_id": world.project()},
            "data": {"name": world.fresh("project")},
        },
        "askToEndFormerName": lambda: ended("params"),
        "endFormerName": lambda: ended("data"),
        "askToDeleteProjects": lambda: {"params": {"id": project_id()}},
        "deleteProjects": lambda: {"data": {"id": project_id()}},
        "checkProjectName": lambda: {"params": {"project_name": world.fresh("project")}},
        "createProjectHere": lambda: {"data": {"project_name": world.fresh("project")}},
        "memberCandidates": lambda: {"params": {"username": "guest"}},
        "addProjectMember": lambda: {
            "data": {"username": make_user(world.client, world.fresh("user"))[0], "role_id": "3"}
        },
        "askForMemberRole": lambda: {"params": {"id": world.member()}},
        "changeMemberRoles": lambda: {"data": {"id": world.member(), "role_id": "2"}},
        "askToRemoveMembers": lambda: {"params": {"id": world.member()}},
        "removeMembers": lambda: {"data": {"id": world.member()}},
        "changeProjectSettings": lambda: {"data": {"severity": "low"}},
    }
