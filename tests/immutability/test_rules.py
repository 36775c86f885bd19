"""The rules themselves: written, listed, changed and deleted."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.core.patterns import MAX_LENGTH
from harbor.immutability import service
from tests.make import ADMIN, API, error_of, make_project, make_rule, message_of, rule_of


@pytest.fixture
def rules(client: TestClient) -> str:
    """The path of the rules of a project."""
    return f"{API}/projects/{make_project(client, 'team')}/immutabletagrules"


def listed(client: TestClient, rules: str, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(rules, params=params, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_a_rule_is_shown_as_it_was_written(client: TestClient, rules: str) -> None:
    rule = rule_of("app/**", "{v*,latest}", priority=3, params={"n": 1}, disabled=True)
    made = client.post(rules, json=rule, auth=ADMIN)
    assert made.status_code == 201
    assert made.content == b""
    path, _, rule_id = made.headers["Location"].rpartition("/")
    assert path == rules
    (shown,) = listed(client, rules)
    selectors = [*shown["tag_selectors"], *shown["scope_selectors"]["repository"]]
    assert {each.pop("extras") for each in selectors} == {""}
    assert shown == rule | {
        "id": int(rule_id),
        "project_id": int(rules.split("/")[4]),
    }


def test_what_clients_leave_out_is_made_up_for(client: TestClient, rules: str) -> None:
    rule = rule_of()
    for name in ("action", "template"):
        del rule[name]
    assert client.post(rules, json=rule, auth=ADMIN).status_code == 201
    (shown,) = listed(client, rules)
    assert (shown["action"], shown["template"]) == ("immutable", "immutable_template")
    assert (shown["disabled"], shown["priority"], shown["params"]) == (False, 0, {})


def test_a_rule_that_says_the_same_is_a_conflict(client: TestClient, rules: str) -> None:
    assert client.post(rules, json=rule_of(), auth=ADMIN).status_code == 201
    for rule in (rule_of(), rule_of(disabled=True)):
        again = client.post(rules, json=rule, auth=ADMIN)
        assert error_of(again) == (409, "CONFLICT")
    assert client.post(rules, json=rule_of("a"), auth=ADMIN).status_code == 201
    make_project(client, "other")
    make_rule(client, "other", rule_of())
    assert len(listed(client, rules)) == 2


def selector(**more: Any) -> dict[str, Any]:
    return {"kind": "doublestar", "decoration": "matches", "pattern": "**"} | more


@pytest.mark.parametrize(
    "wrong",
    [
        {"tag_selectors": []},
        {"tag_selectors": None},
        {"scope_selectors": None},
        {"scope_selectors": {}},
        {"scope_selectors": {"repository": []}},
        {"scope_selectors": {"project": [selector(decoration="repoMatches")]}},
        {"tag_selectors": [selector(kind="regexp")]},
        {"tag_selectors": [selector(decoration="")]},
        {"tag_selectors": [selector(decoration="repoMatches")]},
        {"scope_selectors": {"repository": [selector()]}},
        {"tag_selectors": [selector(pattern="[a")]},
        {"tag_selectors": [selector(pattern="{a")]},
        {"tag_selectors": [selector(pattern="a" * (MAX_LENGTH + 1))]},
        {"tag_selectors": [selector(), selector(pattern="[")]},
        {"action": "mutable"},
        {"template": "other"},
        {"params": {"x": "y" * service.MOST_PARAMS}},
    ],
)
def test_a_rule_must_make_sense(client: TestClient, rules: str, wrong: dict[str, Any]) -> None:
    answer = client.post(rules, json=rule_of() | wrong, auth=ADMIN)
    assert error_of(answer) == (400, "BAD_REQUEST")
    assert listed(client, rules) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"priority": 2**31},
        {"disabled": "yes"},
        {"tag_selectors": [selector()] * 16},
        {"tag_selectors": [{"pattern": 1}]},
        {"scope_selectors": []},
    ],
)
def test_a_rule_has_its_shape(client: TestClient, rules: str, wrong: dict[str, Any]) -> None:
    answer = client.post(rules, json=rule_of() | wrong, auth=ADMIN)
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")


def test_a_list_has_pages(client: TestClient, rules: str) -> None:
    for name in "abc":
        client.post(rules, json=rule_of(name, disabled=name == "b"), auth=ADMIN)
    ids = [each["id"] for each in listed(client, rules)]
    assert ids == sorted(ids)
    answer = client.get(rules, params={"page_size": 2, "page": 2}, auth=ADMIN)
    assert answer.headers["X-Total-Count"] == "3"
    assert [each["id"] for each in answer.json()] == ids[2:]
    assert 'rel="prev"' in answer.headers["Link"]
    assert [each["id"] for each in listed(client, rules, sort="-id")] == ids[::-1]
    assert [each["id"] for each in listed(client, rules, q="disabled=true")] == ids[1:2]


def test_a_change_switches_or_rewrites(client: TestClient, rules: str) -> None:
    rule_id = make_rule(client, "team", rule_of("a"))
    changed = rule_of("b", id=rule_id, disabled=True)
    assert client.put(f"{rules}/{rule_id}", json=changed, auth=ADMIN).status_code == 200
    (shown,) = listed(client, rules)
    assert shown["disabled"] is True
    assert shown["scope_selectors"]["repository"][0]["pattern"] == "a"
    assert client.put(f"{rules}/{rule_id}", json=changed, auth=ADMIN).status_code == 200
    (shown,) = listed(client, rules)
    assert shown["scope_selectors"]["repository"][0]["pattern"] == "b"


def test_a_changed_rule_must_make_sense(client: TestClient, rules: str) -> None:
    make_rule(client, "team", rule_of("a"))
    rule_id = make_rule(client, "team", rule_of("b"))
    place = f"{rules}/{rule_id}"
    same = client.put(place, json=rule_of("a", id=rule_id), auth=ADMIN)
    assert error_of(same) == (409, "CONFLICT")
    for body in (rule_of("c", id=rule_id + 1), rule_of("c")):
        other = client.put(place, json=body, auth=ADMIN)
        assert error_of(other) == (400, "BAD_REQUEST")
        assert str(rule_id) in message_of(other)
    assert [
        each["scope_selectors"]["repository"][0]["pattern"] for each in listed(client, rules)
    ] == ["a", "b"]


def test_a_deleted_rule_is_gone(client: TestClient, rules: str) -> None:
    rule_id = make_rule(client, "team", rule_of())
    assert client.delete(f"{rules}/{rule_id}", auth=ADMIN).status_code == 200
    assert listed(client, rules) == []
    assert error_of(client.delete(f"{rules}/{rule_id}", auth=ADMIN)) == (404, "NOT_FOUND")


def test_a_rule_of_another_project_is_not_there(client: TestClient, rules: str) -> None:
    make_project(client, "other")
    foreign = make_rule(client, "other", rule_of())
    changed = client.put(f"{rules}/{foreign}", json=rule_of(id=foreign), auth=ADMIN)
    assert error_of(changed) == (404, "NOT_FOUND")
    assert error_of(client.delete(f"{rules}/{foreign}", auth=ADMIN)) == (404, "NOT_FOUND")


def test_a_project_has_a_limited_number_of_rules(
    client: TestClient, rules: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_RULES", 1)
    make_rule(client, "team", rule_of("a"))
    full = client.post(rules, json=rule_of("b"), auth=ADMIN)
    assert error_of(full) == (400, "BAD_REQUEST")


def test_rules_go_with_their_project(client: TestClient, rules: str, rows: Any) -> None:
    make_rule(client, "team", rule_of())
    assert client.delete(f"{API}/projects/team", auth=ADMIN).status_code == 200
    assert rows("SELECT count(*) FROM immutable_tag_rule") == [(0,)]


def test_changes_are_in_the_audit_log(client: TestClient, rules: str) -> None:
    rule_id = make_rule(client, "team", rule_of())
    client.put(f"{rules}/{rule_id}", json=rule_of(id=rule_id, disabled=True), auth=ADMIN)
    client.delete(f"{rules}/{rule_id}", auth=ADMIN)
    lines = client.get(
        f"{API}/auditlog-exts", params={"q": "resource_type=immutable"}, auth=ADMIN
    ).json()
    assert [line["operation"] for line in lines] == ["delete", "update", "create"]
