"""Rules as pages show and change them."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.immutability.pages import MOST
from tests.make import ADMIN, API, make_project, make_rule, rule_of
from tests.projects.pages import HOSTILE, HTMX, audit, harmless, told, words, wrong_at

NAMED = {"repositories": "app/**", "tags": "v*"}


@pytest.fixture
def here(client: TestClient) -> str:
    return f"/harbor/projects/{make_project(client, 'team')}/tag-strategy/immutable-tag"


def kept(client: TestClient) -> list[dict[str, Any]]:
    answer = client.get(f"{API}/projects/team/immutabletagrules", auth=ADMIN)
    found: list[dict[str, Any]] = answer.json()
    return found


def patterns(rule: dict[str, Any]) -> tuple[str, str, str, str]:
    """Decoration and pattern of the repositories, and of the tags."""
    repositories, tags = rule["scope_selectors"]["repository"][0], rule["tag_selectors"][0]
    return (
        repositories["decoration"],
        repositories["pattern"],
        tags["decoration"],
        tags["pattern"],
    )


def make(client: TestClient, here: str, **form: str) -> int:
    made = client.post(f"{here}/new", data=NAMED | form, auth=ADMIN)
    assert (made.status_code, made.headers["Location"]) == (303, here), made.text
    return int(kept(client)[-1]["id"])


def test_a_rule_is_made_shown_changed_and_deleted(client: TestClient, here: str) -> None:
    assert "No rules yet" in words(client.get(here, auth=ADMIN))
    rule_id = make(client, here)
    assert patterns(kept(client)[0]) == ("repoMatches", "app/**", "matches", "v*")
    shown = words(client.get(here, auth=ADMIN))
    assert "Rule 1 In force" in shown
    assert "Repositories app/** Tags v*" in shown
    form = client.get(f"{here}/{rule_id}/edit", auth=ADMIN).text
    assert 'value="app/**"' in form
    changed = {"repositories_are": "repoExcludes", "tags_are": "excludes", "tags": "dev, test"}
    saved = client.post(f"{here}/{rule_id}/edit", data=NAMED | changed, auth=ADMIN)
    assert (saved.status_code, saved.headers["Location"]) == (303, here)
    assert patterns(kept(client)[0]) == ("repoExcludes", "app/**", "excludes", "{dev,test}")
    shown = words(client.get(here, auth=ADMIN))
    assert "Repositories All but app/** Tags All but dev test" in shown
    assert "app/** : dev, test" in words(client.get(f"{here}/{rule_id}/delete", auth=ADMIN))
    gone = client.post(f"{here}/{rule_id}/delete", auth=ADMIN, headers=HTMX)
    assert told(gone) == {"to": here, "said": "The rule was deleted."}
    assert kept(client) == []
    done = [line[:2] for line in audit(client) if line[1] == "immutable"]
    assert done == [(each, "immutable") for each in ("delete", "update", "create")]


def test_a_new_rule_is_about_everything(client: TestClient, here: str) -> None:
    form = client.get(f"{here}/new", auth=ADMIN).text
    assert form.count('value="**"') == 2
    client.post(f"{here}/new", data={}, auth=ADMIN)
    assert patterns(kept(client)[0]) == ("repoMatches", "**", "matches", "**")
    shown = words(client.get(here, auth=ADMIN))
    assert "Repositories All repositories Tags All tags" in shown


def test_lists_become_patterns_and_lists_again(client: TestClient, here: str) -> None:
    rule_id = make(client, here, repositories=" a , b,a", tags="x, **")
    assert patterns(kept(client)[0])[1::2] == ("{a,b}", "**")
    form = client.get(f"{here}/{rule_id}/edit", auth=ADMIN).text
    assert 'value="a, b"' in form
    make(client, here, repositories="{a,b{c,d}}", tags=r"a\,b")
    assert patterns(kept(client)[1])[1::2] == ("{a,b{c,d}}", r"a\,b")


def test_a_rule_is_switched(client: TestClient, here: str) -> None:
    rule_id = make(client, here)
    place = f"{here}/{rule_id}/state"
    off = client.post(place, data={"disabled": "true"}, auth=ADMIN, headers=HTMX)
    assert told(off) == {"to": here, "said": "The rule was switched off."}
    assert kept(client)[0]["disabled"] is True
    assert "Rule 1 Off" in words(client.get(here, auth=ADMIN))
    client.post(f"{here}/{rule_id}/edit", data=NAMED | {"tags": "x"}, auth=ADMIN)
    assert (kept(client)[0]["disabled"], patterns(kept(client)[0])[3]) == (True, "x")
    on = client.post(place, auth=ADMIN, headers=HTMX)
    assert told(on) == {"to": here, "said": "The rule was switched on."}
    assert kept(client)[0]["disabled"] is False


@pytest.mark.parametrize(
    ("form", "field", "message"),
    [
        ({"repositories": "[a"}, "repositories", "invalid pattern"),
        ({"tags": "{a"}, "tags", "invalid pattern"),
        ({"tags_are": "repoMatches"}, "tags", "the decoration of a selector"),
        (NAMED, "tags", "There is a rule that says the same already."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: TestClient, here: str, form: dict[str, str], field: str, message: str
) -> None:
    make(client, here)
    other = make(client, here, tags="other")
    for path in ("new", f"{other}/edit"):
        answer = client.post(f"{here}/{path}", data=NAMED | form, auth=ADMIN, headers=HTMX)
        assert 400 <= answer.status_code < 500
        assert wrong_at(answer) == field
        assert message in words(answer)
    assert len(kept(client)) == 2


def test_pages_make_no_more_rules_than_fit(client: TestClient, here: str) -> None:
    for number in range(MOST):
        make_rule(client, "team", rule_of(f"app{number}"))
    page = client.get(here, auth=ADMIN)
    assert "which is the most" in words(page)
    assert f"{here}/new" not in page.text
    refused = client.post(f"{here}/new", data=NAMED, auth=ADMIN, headers=HTMX)
    assert refused.status_code == 400
    make_rule(client, "team", rule_of("by a program"))
    assert f"Rule {MOST + 1}" in words(client.get(here, auth=ADMIN))


def test_rules_of_elsewhere_are_not_reached(client: TestClient, here: str) -> None:
    make_project(client, "other")
    foreign = make_rule(client, "other", rule_of())
    for path in ("edit", "delete"):
        assert client.get(f"{here}/{foreign}/{path}", auth=ADMIN).status_code == 404
    for path in ("edit", "delete", "state"):
        assert client.post(f"{here}/{foreign}/{path}", auth=ADMIN).status_code == 404


def test_hostile_patterns_are_words_only(client: TestClient, here: str) -> None:
    rule_id = make(client, here, repositories=HOSTILE, tags=HOSTILE)
    assert harmless(client.get(here, auth=ADMIN))
    for path in ("edit", "delete"):
        assert HOSTILE not in client.get(f"{here}/{rule_id}/{path}", auth=ADMIN).text
