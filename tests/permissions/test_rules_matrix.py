"""Every role in a project, with every role that a rule may give, asked for each kind of thing."""

from itertools import product

import pytest
from starlette.testclient import TestClient

from harbor.core import rbac
from tests.make import (
    API,
    Login,
    add_member,
    make_project,
    make_repository_rule,
    make_user,
    push_image,
    token_for,
)

pytestmark = pytest.mark.once

MEMBERS = {"stranger": None, "limited": 5, "guest": 3, "dev": 2, "mia": 4, "pam": 1}
GIVEN = {"usual": None, "hidden": 0, "limited": 5, "guest": 3, "dev": 2, "mia": 4}  # repositories
REST = f"{API}/projects/team/repositories/{{}}"
PAGE = "/harbor/projects/team/repositories/{}/artifacts-tab"
ARTIFACT = f"{REST}/artifacts/1.0"
# What is asked for, the right that it takes, and what there is only for who has it.
ASKED = (
    ("GET", "/v2/team/{}/manifests/1.0", ("repository", "pull")),
    ("POST", "/v2/team/{}/blobs/uploads/", ("repository", "push")),
    ("DELETE", "/v2/team/{}/manifests/none", ("repository", "delete")),
    ("GET", REST, ("repository", "read")),
    ("GET", f"{REST}/artifacts", ("artifact", "list")),
    ("GET", ARTIFACT, ("artifact", "read")),
    ("DELETE", f"{REST}/artifacts/none", ("artifact", "delete")),
    ("GET", f"{ARTIFACT}/accessories", ("accessory", "list")),
    ("GET", f"{ARTIFACT}/additions/build_history", ("artifact-addition", "read")),
    ("GET", f"{ARTIFACT}/tags", ("tag", "list")),
    ("DELETE", f"{ARTIFACT}/tags/none", ("tag", "delete")),
    ("DELETE", f"{ARTIFACT}/labels/1", ("artifact-label", "delete")),
    ("GET", PAGE, ("artifact", "list")),
    ("GET", f"{PAGE}/delete", ("artifact", "delete")),
)


def expected_role(member: int | None, given: int | None) -> frozenset[int]:
    role = member if given is None or member == 1 else given
    return frozenset((role,)) if role else frozenset()


def ruled(client: TestClient) -> dict[str, Login]:
    """People with a role each, and for each repository but one a rule about each of them."""
    make_project(client, "team")
    people = {name: make_user(client, name) for name in MEMBERS}
    for name, role_id in MEMBERS.items():
        if role_id is not None:
            add_member(client, "team", people[name], role_id)
    for repository, given in GIVEN.items():
        push_image(client, f"team/{repository}")
        for person in people.values():
            if given is not None:
                make_repository_rule(client, "team", repository, given, user=person)
    return people


def test_the_role_in_the_repository_is_what_counts(client: TestClient) -> None:
    people = ruled(client)
    found, expected = {}, {}
    for (name, person), (repository, given) in product(people.items(), GIVEN.items()):
        token = token_for(client, person, f"repository:team/{repository}:pull")
        roles = expected_role(MEMBERS[name], given)
        for method, path, right in ASKED:
            here = path.format(repository)
            answers = [client.request(method, here, auth=person)]
            if here.startswith("/v2"):
                bearer = {"Authorization": f"Bearer {token}"}
                answers.append(client.request(method, here, headers=bearer))
            asked = (name, repository, method, path)
            found[asked] = {answer.status_code not in (401, 403) for answer in answers}
            expected[asked] = {rbac.role_allows(roles, *right)}
    assert found == expected
    assert len(found) == len(MEMBERS) * len(GIVEN) * len(ASKED)
