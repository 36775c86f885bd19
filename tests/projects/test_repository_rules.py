"""Rules about repositories: what they say, in which order, and how they are written."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.projects.models import EVERYBODY, GROUP, PERSON
from harbor.projects.service.ruling import Rule, ruled
from tests.make import ADMIN, API, Login, add_member, make_project, make_repository_rule, make_user
from tests.projects.pages import audit

GUEST, DEVELOPER, MAINTAINER = 3, 2, 4
MEMBERS: dict[str, Any] = {"type": "members"}
Made = tuple[str, str, int]  # kind, pattern, role


@pytest.mark.parametrize(
    ("roles", "rules", "name", "expected"),
    [
        ({GUEST}, [], "app", {GUEST}),
        ({GUEST}, [(PERSON, "app", DEVELOPER)], "app", {DEVELOPER}),
        ({GUEST}, [(PERSON, "app", DEVELOPER)], "app/web", {GUEST}),
        ({GUEST}, [(PERSON, "app/**", DEVELOPER)], "app/a/b", {DEVELOPER}),
        ({GUEST}, [(PERSON, "app/*", DEVELOPER)], "app/a/b", {GUEST}),
        ({GUEST}, [(PERSON, "{a,b}/**", DEVELOPER)], "b/x", {DEVELOPER}),
        ({DEVELOPER}, [(PERSON, "**", 0)], "app", set()),
        # The first that fits decides, and nothing after it.
        ({GUEST}, [(PERSON, "a/**", 0), (PERSON, "a/b", DEVELOPER)], "a/b", set()),
        ({GUEST}, [(PERSON, "a/b", DEVELOPER), (PERSON, "a/**", 0)], "a/b", {DEVELOPER}),
        # A person's own stand before those about every member, wherever they were written.
        ({GUEST}, [(EVERYBODY, "**", 0), (PERSON, "a", DEVELOPER)], "a", {DEVELOPER}),
        ({GUEST}, [(EVERYBODY, "**", 0), (PERSON, "a", DEVELOPER)], "b", set()),
        # Those about groups stand between the two.
        ({GUEST}, [(EVERYBODY, "**", 0), (GROUP, "a", 4), (PERSON, "a", DEVELOPER)], "a", {2}),
        ({GUEST}, [(EVERYBODY, "**", 0), (GROUP, "a", MAINTAINER)], "a", {MAINTAINER}),
        (set(), [(EVERYBODY, "**", MAINTAINER), (GROUP, "a", GUEST)], "a", {GUEST}),
        # Who is no member is none of "every member".
        (set(), [(EVERYBODY, "**", MAINTAINER)], "a", set()),
        (set(), [(EVERYBODY, "**", MAINTAINER), (PERSON, "a", GUEST)], "a", {GUEST}),
        # Capitals count, as in names; a name that cannot be is in no repository.
        ({GUEST}, [(PERSON, "App", DEVELOPER)], "app", {GUEST}),
        ({GUEST}, [], "a" * 256, set()),
    ],
)
def test_the_first_rule_that_fits_decides(
    roles: set[int], rules: list[Made], name: str, expected: set[int]
) -> None:
    made = [Rule(n, *rule) for n, rule in enumerate(rules)]
    assert ruled(frozenset(roles), made).roles_in(name) == expected


@pytest.fixture
def dev(client: TestClient) -> Login:
    make_project(client, "team")
    made = make_user(client, "dev")
    add_member(client, "team", made, GUEST)
    return made


def rules(client: TestClient, *path: object, project: str = "team") -> str:
    project_id = client.get(f"{API}/projects/{project}", auth=ADMIN).json()["project_id"]
    return "/".join((f"{API}/projects/{project_id}/repositoryrules", *map(str, path)))


def listed(client: TestClient) -> list[tuple[int, str, str, str]]:
    found = client.get(rules(client), auth=ADMIN).json()
    return [
        (each["position"], each["subject"].get("name", "*"), each["pattern"], each["role_name"])
        for each in found
    ]


def test_rules_are_written_changed_and_deleted(client: TestClient, dev: Login) -> None:
    rule = make_repository_rule(client, "team", "app/**, lib", DEVELOPER, user=dev)
    (shown,) = client.get(rules(client), auth=ADMIN).json()
    assert shown["id"] == rule
    assert shown["subject"] == {"type": "user", "id": shown["subject"]["id"], "name": "dev"}
    assert listed(client) == [(1, "dev", "{app/**,lib}", "developer")]
    body = {"subject": MEMBERS, "pattern": "secret/*", "role_id": 0}
    assert client.put(rules(client, rule), json=body, auth=ADMIN).status_code == 200
    assert listed(client) == [(1, "*", "secret/*", "none")]
    assert client.delete(rules(client, rule), auth=ADMIN).status_code == 200
    assert listed(client) == []
    assert audit(client)[:3] == [
        ("delete", "repository-rule", "every member: none in secret/*", True),
        ("update", "repository-rule", "every member: none in secret/*", True),
        ("create", "repository-rule", "dev: developer in {app/**,lib}", True),
    ]


def test_they_stand_in_the_order_in_which_they_are_asked(client: TestClient, dev: Login) -> None:
    make_repository_rule(client, "team", "a", 0)
    make_repository_rule(client, "team", "b", GUEST, user=dev)
    last = make_repository_rule(client, "team", "c", GUEST, user=dev)
    assert [row[2] for row in listed(client)] == ["b", "c", "a"]
    body = {"subject": {"type": "user", "name": "dev"}, "pattern": "c", "role_id": GUEST}
    for position, order in ((1, "cba"), (99, "bca"), (None, "bca")):
        asked = body | ({} if position is None else {"position": position})
        assert client.put(rules(client, last), json=asked, auth=ADMIN).status_code == 200
        assert "".join(row[2] for row in listed(client)) == order
    assert [row[0] for row in listed(client)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"role_id": 1}, 400),  # whoever leads a project does so in all of it
        ({"role_id": 9}, 400),
        ({"pattern": "a[b"}, 400),
        ({"pattern": "{a"}, 400),
        ({"pattern": ""}, 422),
        ({"pattern": "a" * 513}, 422),
        ({"pattern": "a," * 256}, 201),
        ({"subject": {"type": "user", "name": "nobody"}}, 400),
        ({"subject": {"type": "user"}}, 400),
        ({"subject": {"type": "group", "name": "nobody"}}, 400),
        ({"subject": {"type": "group"}}, 400),
        ({"subject": {"type": "robot", "id": 1}}, 400),
        ({"subject": {"type": "robot", "name": "robot$nobody"}}, 400),
        ({"subject": {"type": "robot"}}, 400),
        ({"subject": {"type": "machine", "id": 1}}, 422),
        ({"position": 0}, 422),
        ({"pattern": "a\0b"}, 422),
    ],
)
def test_rules_that_make_no_sense(
    client: TestClient, dev: Login, body: dict[str, Any], status: int
) -> None:
    good = {"subject": MEMBERS, "pattern": "app", "role_id": 0}
    assert client.post(rules(client), json=good | body, auth=ADMIN).status_code == status


def test_two_rules_alike_and_too_many(
    client: TestClient, dev: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"subject": MEMBERS, "pattern": "app", "role_id": 0}
    assert client.post(rules(client), json=body, auth=ADMIN).status_code == 201
    assert client.post(rules(client), json=body | {"role_id": 3}, auth=ADMIN).status_code == 409
    monkeypatch.setattr("harbor.projects.service.rules.MOST_RULES", 1)
    other = body | {"pattern": "other"}
    assert client.post(rules(client), json=other, auth=ADMIN).status_code == 400


def test_rules_of_another_project_are_not_touched(client: TestClient, dev: Login) -> None:
    rule = make_repository_rule(client, "team", "app", 0)
    make_project(client, "other")
    path = rules(client, rule, project="other")
    body = {"subject": MEMBERS, "pattern": "x", "role_id": 0}
    assert client.put(path, json=body, auth=ADMIN).status_code == 404
    assert client.delete(path, auth=ADMIN).status_code == 404
    assert len(listed(client)) == 1


@pytest.mark.parametrize(
    ("user", "repository", "expected"),
    [
        ("dev", "app/web", ("developer", "rule", ["pull", "push"])),
        ("dev", "secret", ("none", "rule", [])),
        ("dev", "other", ("guest", "membership", ["pull"])),
        ("admin", "secret", ("projectAdmin", "systemAdmin", ["pull", "push", "delete"])),
        ("boss", "secret", ("projectAdmin", "projectAdmin", ["pull", "push", "delete"])),
        ("stranger", "secret", ("none", "nothing", [])),
    ],
)
def test_why_somebody_has_a_role(
    client: TestClient, dev: Login, user: str, repository: str, expected: tuple[str, str, list[str]]
) -> None:
    add_member(client, "team", make_user(client, "boss"), 1)
    make_user(client, "stranger")
    own = make_repository_rule(client, "team", "app/**", DEVELOPER, user=dev)
    every = make_repository_rule(client, "team", "secret", 0)
    asked = {"user": user, "repository": repository}
    found = client.get(rules(client, "effective"), params=asked, auth=ADMIN).json()
    assert (found["role_name"], found["decided_by"], found["actions"]) == expected
    decided = found["rule"] and found["rule"]["id"]
    assert decided == {"app/web": own, "secret": every if user == "dev" else None}.get(repository)


def test_nobody_s_role_is_not_told(client: TestClient, dev: Login) -> None:
    asked = {"user": "nobody", "repository": "app"}
    assert client.get(rules(client, "effective"), params=asked, auth=ADMIN).status_code == 404


def test_a_deleted_project_leaves_no_rules(client: TestClient, dev: Login, rows: Any) -> None:
    make_repository_rule(client, "team", "app/**", DEVELOPER, user=dev)
    project_id = client.get(f"{API}/projects/team", auth=ADMIN).json()["project_id"]
    assert client.delete(f"{API}/projects/{project_id}", auth=ADMIN).status_code == 200
    assert rows("SELECT id FROM repository_rule") == []
