"""Robots with different rights, with every role that a rule may give, for each kind of thing."""

from itertools import product

import pytest
from starlette.testclient import TestClient

from harbor.core import rbac
from tests.make import (
    Login,
    bearer,
    make_project,
    make_repository_rule,
    make_robot,
    push_image,
)
from tests.permissions.test_rules_matrix import ASKED, GIVEN, PAGE

pytestmark = pytest.mark.once

RIGHTS = {
    "logger": ["log:list"],
    "puller": ["repository:pull"],
    "keeper": ["artifact:list", "artifact:delete", "tag:list", "repository:read"],
}
OF_ROBOTS = [each for each in ASKED if not each[1].startswith(PAGE)]  # pages are for people


def ruled(client: TestClient) -> dict[tuple[str, str], Login]:
    """Robots of both kinds, and for each repository but one a rule about each of them."""
    make_project(client, "team")
    robots: dict[tuple[str, str], Login] = {}
    for name, rights in RIGHTS.items():
        robots[name, "project"] = make_robot(client, name, {"team": rights})
        robots[name, "system"] = make_robot(client, name, {"*": rights}, level="system")
    for repository, given in GIVEN.items():
        push_image(client, f"team/{repository}")
        for robot in robots.values():
            if given is not None:
                make_repository_rule(client, "team", repository, given, robot=robot)
    return robots


def allowed(name: str, given: int | None, right: tuple[str, str]) -> bool:
    if given is None:
        return ":".join(right) in RIGHTS[name]
    return rbac.role_allows(frozenset((given,)) - {0}, *right)


def test_the_role_in_the_repository_stands_in_place_of_what_was_given(client: TestClient) -> None:
    robots = ruled(client)
    found, expected = {}, {}
    for ((name, level), robot), (repository, given) in product(robots.items(), GIVEN.items()):
        headers = bearer(client, robot, f"repository:team/{repository}:pull")
        for method, path, right in OF_ROBOTS:
            here = path.format(repository)
            answers = [client.request(method, here, auth=robot)]
            if here.startswith("/v2"):
                answers.append(client.request(method, here, headers=headers))
            asked = (name, level, repository, method, path)
            found[asked] = {answer.status_code not in (401, 403) for answer in answers}
            expected[asked] = {allowed(name, given, right)}
    assert found == expected
    assert len(found) == len(robots) * len(GIVEN) * len(OF_ROBOTS)
