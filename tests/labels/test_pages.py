"""Labels, as pages show and change them."""

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, make_project
from tests.projects.pages import HOSTILE, HTMX, harmless, told, words, wrong_at

GLOBAL = "/harbor/labels"


@pytest.fixture(params=["registry", "project"])
def here(client: TestClient, request: pytest.FixtureRequest) -> str:
    if request.param == "registry":
        return GLOBAL
    return f"/harbor/projects/{make_project(client, 'team')}/labels"


def make(client: TestClient, here: str, name: str, color: str = "#C92100") -> int:
    form = {"name": name, "description": f"about {name}", "color": color}
    made = client.post(f"{here}/new", data=form, auth=ADMIN)
    assert made.status_code == 303, made.text
    page = client.get(f"{here}?text={name}", auth=ADMIN).text
    return int(page.partition(f"{here}/delete?id=")[2].partition('"')[0])


def test_a_label_is_made_shown_changed_and_deleted(client: TestClient, here: str) -> None:
    assert "No labels yet" in words(client.get(here, auth=ADMIN))
    label_id = make(client, here, "stable")
    assert "stable about stable" in words(client.get(here, auth=ADMIN))
    form = client.get(f"{here}/{label_id}/edit", auth=ADMIN).text
    assert 'value="stable"' in form
    changed = {"name": "steady", "description": "", "color": "#0065AB"}
    saved = client.post(f"{here}/{label_id}/edit", data=changed, auth=ADMIN)
    assert (saved.status_code, saved.headers["Location"]) == (303, here)
    kept = client.get(f"{API}/labels/{label_id}", auth=ADMIN).json()
    assert (kept["name"], kept.get("description", ""), kept["color"]) == ("steady", "", "#0065AB")
    asked = words(client.get(f"{here}/delete?id={label_id}", auth=ADMIN))
    assert "steady" in asked
    gone = client.post(f"{here}/delete", data={"id": label_id}, auth=ADMIN)
    assert gone.status_code == 303
    assert client.get(f"{API}/labels/{label_id}", auth=ADMIN).status_code == 404


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"name": ""}, "invalid name"),
        ({"name": "stable"}, "There is a label of that name already."),
        ({"name": "new", "color": "red"}, "invalid color"),
    ],
)
def test_what_is_wrong_is_said_at_the_name(
    client: TestClient, here: str, form: dict[str, str], message: str
) -> None:
    make(client, here, "stable")
    answer = client.post(f"{here}/new", data=form, auth=ADMIN, headers=HTMX)
    assert 400 <= answer.status_code < 500
    assert wrong_at(answer) == "name"
    assert message in words(answer)


def test_labels_of_elsewhere_are_not_reached(client: TestClient) -> None:
    here = f"/harbor/projects/{make_project(client, 'one')}/labels"
    there = f"/harbor/projects/{make_project(client, 'two')}/labels"
    label_id = make(client, there, "stable")
    for path in (here, GLOBAL):
        assert client.get(f"{path}/{label_id}/edit", auth=ADMIN).status_code == 404
        assert client.get(f"{path}/delete?id={label_id}", auth=ADMIN).status_code == 404
        gone = client.post(f"{path}/delete", data={"id": label_id}, auth=ADMIN)
        assert gone.status_code == 404
    assert client.get(f"{API}/labels/{label_id}", auth=ADMIN).status_code == 200


def test_many_are_deleted_at_once_with_a_line_for_each(client: TestClient, here: str) -> None:
    ids = [make(client, here, name) for name in ("one", "two")]
    gone = client.post(f"{here}/delete", data={"id": ids}, auth=ADMIN, headers=HTMX)
    assert told(gone) == {"to": here, "said": "2 labels were deleted."}
    lines = client.get(f"{API}/auditlog-exts?q=operation=delete", auth=ADMIN).json()
    assert {line["resource"] for line in lines} == {"one", "two"}


def test_hostile_names_are_words_only(client: TestClient, here: str) -> None:
    make(client, here, "plain")
    form = {"name": HOSTILE[:128], "description": HOSTILE}
    assert client.post(f"{here}/new", data=form, auth=ADMIN).status_code == 303
    assert harmless(client.get(here, auth=ADMIN))
