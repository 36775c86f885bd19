"""The catalogue of the whole registry, read by robots from which rules hide something."""

from typing import Any

from starlette.testclient import TestClient

from tests.make import ADMIN, API, make_repository_rule, make_robot
from tests.permissions.test_hidden_from_robots import Shop
from tests.permissions.test_hidden_repositories import GUEST, OPEN, SECRET, manifest


def test_the_catalogue_is_a_right_in_the_system_less_what_rules_hide(client: TestClient) -> None:
    shop = Shop(client)
    # Rules are about robots that were given something in the project, whatever that is.
    rights = {"*": ["label:read"], "/": ["catalog:read"]}
    lister = make_robot(client, "lister", rights, level="system")

    def catalogue(**page: Any) -> Any:
        return client.get("/v2/_catalog", params=page, auth=lister)

    assert catalogue().json()["repositories"] == [OPEN, SECRET]
    rules = [
        make_repository_rule(client, "team", "secret/**", 0, robot=robot)
        for robot in (shop.robot, lister)
    ]
    assert manifest(client, SECRET, auth=lister) == 401
    assert catalogue().json()["repositories"] == [OPEN]
    assert catalogue(n=1).headers.get("Link") is None
    # As a place to go on from, it cannot be told from one that is not there.
    hidden, absent = catalogue(last=SECRET), catalogue(last="team/secret/none")
    assert hidden.text == absent.text.replace("team/secret/none", SECRET)
    assert (hidden.status_code, catalogue(last=OPEN).status_code) == (400, 200)
    assert SECRET in client.get("/v2/_catalog", auth=ADMIN).text
    assert shop.get("/v2/_catalog").status_code == 401
    make_repository_rule(client, "team", "**", GUEST, robot=lister)
    assert catalogue().json()["repositories"] == [OPEN]
    shop.unrule(rules[1])
    assert catalogue().json()["repositories"] == [OPEN, SECRET]


def test_nothing_of_a_public_project_is_hidden_in_the_catalogue(client: TestClient) -> None:
    shop = Shop(client)
    rights = {"*": ["repository:pull"], "/": ["catalog:read"]}
    lister = make_robot(client, "lister", rights, level="system")
    make_repository_rule(client, "team", "secret/**", 0, robot=lister)
    public = {"metadata": {"public": "true"}}
    assert client.put(f"{API}/projects/{shop.id}", json=public, auth=ADMIN).status_code == 200
    found = client.get("/v2/_catalog", auth=lister).json()["repositories"]
    assert found == [OPEN, SECRET]
