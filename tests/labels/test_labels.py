from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.labels.conftest import LABELS, MakeLabel
from tests.make import ADMIN, Login, error_of, make_project, message_of

Rows = Callable[[str], list[Any]]
MISSING = 2**31 - 1


def create(client: TestClient, **body: Any) -> Any:
    return client.post(LABELS, json={"name": "stable", "scope": "g"} | body, auth=ADMIN)


def change(client: TestClient, path: str, **body: Any) -> Any:
    return client.put(path, json=body, auth=ADMIN)


def shown(client: TestClient, path: str) -> dict[str, Any]:
    answer = client.get(path, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_global_label_is_shown_as_it_was_made(client: TestClient) -> None:
    made = create(client, description="may be used", color="#0095D3")
    assert (made.status_code, made.content) == (201, b"")
    assert made.headers["Location"] == f"{LABELS}/1"
    label = shown(client, f"{LABELS}/1")
    assert label.pop("creation_time") <= label.pop("update_time")
    assert label == {
        "id": 1,
        "name": "stable",
        "description": "may be used",
        "color": "#0095D3",
        "scope": "g",
    }


def test_a_label_of_a_project_says_of_which(client: TestClient, team: int) -> None:
    path = create(client, scope="p", project_id=team).headers["Location"]
    label = shown(client, path)
    assert (label["scope"], label["project_id"]) == ("p", team)


def test_a_global_label_belongs_to_no_project_whatever_is_said(
    client: TestClient, team: int
) -> None:
    path = create(client, scope="g", project_id=team).headers["Location"]
    assert "project_id" not in shown(client, path)


def test_what_a_client_echoes_of_a_label_it_knows_changes_nothing(client: TestClient) -> None:
    echo = {"id": 99, "creation_time": "0001-01-01T00:00:00.000Z", "deleted": True, "level": "s"}
    path = create(client, **echo).headers["Location"]
    assert path == f"{LABELS}/1"
    assert shown(client, path)["creation_time"] > "2024"


@pytest.mark.parametrize("color", ["", "#000000", "#ffffff", "#C92100"])
def test_colours_are_kept_as_written(client: TestClient, color: str) -> None:
    path = create(client, color=color).headers["Location"]
    assert shown(client, path).get("color", "") == color


@pytest.mark.parametrize(
    "color",
    ["red", "#FFF", "#GGGGGG", "0095D3", "#0095D3 ", "#0095D3FF", "#0095D3\n", "#" + "\uff11" * 6],
)
def test_a_colour_is_six_hexadecimal_digits(client: TestClient, color: str) -> None:
    answer = create(client, color=color)
    assert error_of(answer) == (400, "BAD_REQUEST")
    assert "color" in message_of(answer)


@pytest.mark.parametrize("name", ["x", "y" * 128, "ÄÖ", "版本", "a/b c", "<b>", "%_"])
def test_a_name_is_any_text_of_1_to_128_characters(client: TestClient, name: str) -> None:
    assert shown(client, create(client, name=name).headers["Location"])["name"] == name


@pytest.mark.parametrize("name", ["", None])
def test_a_label_needs_a_name(client: TestClient, name: str | None) -> None:
    answer = create(client, name=name)
    assert error_of(answer) == (400, "BAD_REQUEST")
    assert message_of(answer).startswith("invalid name")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x" * 129},
        {"name": "a\0b"},
        {"name": 7},
        {"description": "x" * 4097},
        {"color": 0},
        {"scope": "p", "project_id": -1},
        {"scope": "p", "project_id": 2**31},
        {"scope": "p", "project_id": "team"},
        {"scope": ["g"]},
    ],
    ids=str,
)
def test_what_is_no_label_is_refused(client: TestClient, wrong: dict[str, Any]) -> None:
    answer = create(client, **wrong)
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"label"])
def test_a_body_that_is_no_json_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post(LABELS, content=body, auth=ADMIN)
    assert error_of(answer) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("scope", ["", None, "x", "G", "gp"])
def test_a_scope_is_mandatory(client: TestClient, scope: str | None) -> None:
    answer = create(client, scope=scope)
    assert (error_of(answer), message_of(answer)) == ((400, "BAD_REQUEST"), "invalid scope")


@pytest.mark.parametrize("project_id", [0, None])
def test_a_label_of_a_project_needs_one(client: TestClient, project_id: int | None) -> None:
    answer = create(client, scope="p", project_id=project_id)
    assert error_of(answer) == (400, "BAD_REQUEST")
    assert message_of(answer).startswith("invalid project_id")


def test_a_label_of_a_project_that_does_not_exist_is_refused(
    client: TestClient, people: dict[str, Login]
) -> None:
    assert error_of(create(client, scope="p", project_id=99)) == (404, "NOT_FOUND")
    body = {"name": "stable", "scope": "p", "project_id": 99}
    answer = client.post(LABELS, json=body, auth=people["ann"])
    assert error_of(answer) == (403, "FORBIDDEN")


def test_a_name_is_unique_where_it_is_used(client: TestClient, team: int) -> None:
    other = make_project(client, "other")
    for where in ({"scope": "g"}, {"scope": "p", "project_id": team}):
        assert create(client, **where).status_code == 201
        answer = create(client, **where)
        assert error_of(answer) == (409, "CONFLICT")
        assert message_of(answer) == "label stable already exists"
    assert create(client, scope="p", project_id=other).status_code == 201
    assert create(client, name="Stable").status_code == 201


def test_a_label_can_be_changed(client: TestClient, make_label: MakeLabel) -> None:
    path = make_label("stable", description="old", color="#0095D3")
    answer = change(client, path, name="steady", description="new", color="#C92100")
    assert (answer.status_code, answer.content) == (200, b"")
    label = shown(client, path)
    assert (label["name"], label["description"], label["color"]) == ("steady", "new", "#C92100")
    assert label["update_time"] >= label["creation_time"]


@pytest.mark.parametrize("body", [{}, {"name": None, "description": None, "color": None}])
def test_what_is_not_told_stays(
    client: TestClient, make_label: MakeLabel, body: dict[str, Any]
) -> None:
    path = make_label("stable", description="old", color="#0095D3")
    before = shown(client, path)
    assert change(client, path, **body).status_code == 200
    assert shown(client, path) == before


def test_description_and_colour_can_be_taken_away(
    client: TestClient, make_label: MakeLabel
) -> None:
    path = make_label("stable", description="old", color="#0095D3")
    assert change(client, path, description="", color="").status_code == 200
    assert shown(client, path).keys() & {"description", "color"} == set()


def test_a_label_never_moves(client: TestClient, make_label: MakeLabel, team: int) -> None:
    other = make_project(client, "other")
    mine, everyones = make_label("a", project=team), make_label("b")
    assert change(client, mine, scope="g", project_id=0).status_code == 200
    assert change(client, mine, project_id=other).status_code == 200
    assert change(client, everyones, scope="p", project_id=team).status_code == 200
    assert shown(client, mine)["project_id"] == team
    assert shown(client, everyones)["scope"] == "g"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": ""}, 400),
        ({"color": "blue"}, 400),
        ({"name": "x" * 129}, 422),
        ({"description": "x" * 4097}, 422),
        ({"name": "taken"}, 409),
        ([], 422),
    ],
    ids=str,
)
def test_a_label_cannot_become_what_it_could_not_be_made(
    client: TestClient, make_label: MakeLabel, body: object, status: int
) -> None:
    path = make_label("stable")
    make_label("taken")
    before = shown(client, path)
    assert client.put(path, json=body, auth=ADMIN).status_code == status
    assert shown(client, path) == before


def test_a_label_may_keep_its_name(client: TestClient, make_label: MakeLabel) -> None:
    path = make_label("stable")
    assert change(client, path, name="stable", color="#C92100").status_code == 200


def test_a_deleted_label_is_gone_and_its_name_free(
    client: TestClient, make_label: MakeLabel
) -> None:
    path = make_label("stable")
    answer = client.delete(path, auth=ADMIN)
    assert (answer.status_code, answer.content) == (200, b"")
    assert error_of(client.get(path, auth=ADMIN)) == (404, "NOT_FOUND")
    make_label("stable")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("label_id", [0, 99, MISSING])
def test_a_label_that_does_not_exist_is_not_found(
    client: TestClient, method: str, label_id: int
) -> None:
    sent: dict[str, Any] = {"json": {"name": "x"}} if method == "PUT" else {}
    answer = client.request(method, f"{LABELS}/{label_id}", auth=ADMIN, **sent)
    assert error_of(answer) == (404, "NOT_FOUND")
    assert message_of(answer) == f"label {label_id} not found"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("label_id", ["x", "-1", "1.5", str(2**31), str(10**30), "%00"])
def test_what_cannot_be_an_id_is_refused(client: TestClient, method: str, label_id: str) -> None:
    sent: dict[str, Any] = {"json": {"name": "x"}} if method == "PUT" else {}
    answer = client.request(method, f"{LABELS}/{label_id}", auth=ADMIN, **sent)
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")


def test_whatever_is_done_to_a_label_is_in_the_audit_log(
    client: TestClient, make_label: MakeLabel, team: int, rows: Rows
) -> None:
    path = make_label("stable", project=team)
    change(client, path, name="steady")
    client.delete(path, auth=ADMIN)
    create(client, color="red")
    lines = rows(
        "SELECT operation, resource, project_id, operation_result FROM audit_log_ext "
        "WHERE resource_type = 'label' ORDER BY id"
    )
    assert [(operation, name, project, bool(ok)) for operation, name, project, ok in lines] == [
        ("create", "stable", team, True),
        ("update", "stable", team, True),
        ("delete", "steady", team, True),
        ("create", "stable", None, False),
    ]
