"""What the list of repositories offers where rules of the project decide."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.configuration.service.current import CHANGED
from tests.artifacts.rest import repository
from tests.make import ADMIN, make_repository_rule, push_image
from tests.projects.pages import HTMX, project_id, words

NAMES = ("app", "fixed/base", "own/tool")


@pytest.fixture
def here(client: TestClient, people: dict[str, Any]) -> str:
    for name in NAMES:
        push_image(client, f"team/{name}")
    return f"/harbor/projects/{project_id(client, 'team')}"


def offered(client: TestClient, here: str, login: Any, view: str = "list") -> dict[str, set[str]]:
    """By what can be done, the repositories for which the list offers it."""
    page = client.get(f"{here}/repositories", params={"view": view}, auth=login)
    assert page.status_code == 200, page.text
    ids = {id_of(client, name): name for name in NAMES}
    picked = re.findall(r'class="pick"[^>]*name="id"[^>]*value="(\d+)"', page.text)
    deleted = re.findall(r"delete-repositories\?id=(\d+)", page.text)
    pushed = re.findall(r'push-commands\?repository=([^"]+)"', page.text)
    return {
        "pick": {ids[int(each)] for each in picked},
        "delete": {ids[int(each)] for each in deleted},
        "push": set(pushed),
    }


def id_of(client: TestClient, name: str) -> int:
    return int(client.get(repository(f"team/{name}"), auth=ADMIN).json()["id"])


def test_delete_is_offered_where_a_rule_gives_it(
    client: TestClient, here: str, people: dict[str, Any]
) -> None:
    assert offered(client, here, people["dev"])["delete"] == set()
    make_repository_rule(client, "team", "own/**", 4, user=people["dev"])
    assert offered(client, here, people["dev"]) == {
        "pick": {"own/tool"},
        "delete": {"own/tool"},
        "push": set(NAMES),
    }
    assert offered(client, here, people["dev"], "cards")["delete"] == {"own/tool"}
    ids = [id_of(client, name) for name in ("app", "own/tool")]
    delete = f"{here}/delete-repositories"
    tried = client.post(delete, data={"id": ids}, auth=people["dev"], headers=HTMX)
    assert tried.status_code == 404
    assert "You may not delete one of these repositories." in words(tried)
    done = client.post(delete, data={"id": ids[1:]}, auth=people["dev"], headers=HTMX)
    assert done.status_code == 204


def test_delete_is_not_offered_where_a_rule_takes_it(
    client: TestClient, here: str, people: dict[str, Any]
) -> None:
    assert offered(client, here, people["mia"])["delete"] == set(NAMES)
    make_repository_rule(client, "team", "fixed/**", 3)
    rest = {"app", "own/tool"}
    assert offered(client, here, people["mia"]) == {"pick": rest, "delete": rest, "push": rest}
    cards = offered(client, here, people["mia"], "cards")
    assert (cards["delete"], cards["push"]) == (rest, rest)
    assert offered(client, here, ADMIN)["delete"] == set(NAMES)
    make_repository_rule(client, "team", "**", 3)
    page = client.get(f"{here}/repositories", auth=people["mia"])
    assert "delete-repositories" not in page.text
    assert 'type="checkbox"' not in page.text.partition("<table")[2].partition("</table>")[0]


def test_a_longer_list_asks_the_database_no_more_often(
    client: TestClient, here: str, people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_repository_rule(client, "team", "fixed/**", 3)
    building = client.app
    assert isinstance(building, Building)
    kind, asked = type(building.db.quick), []
    fetch = kind.fetch

    async def counting(self: Any, statement: Any, **values: Any) -> Any:
        if statement is not CHANGED:  # work in the background asks for the settings as well
            asked.append(statement)
        return await fetch(self, statement, **values)

    def count(rows: int) -> int:
        asked.clear()
        page = client.get(f"{here}/repositories", auth=people["mia"])
        assert page.text.count('name="id" value=') == rows
        return len(asked)

    monkeypatch.setattr(kind, "fetch", counting)
    few = count(2)
    for number in range(10):
        push_image(client, f"team/more{number}")
    assert 0 < count(12) <= few
