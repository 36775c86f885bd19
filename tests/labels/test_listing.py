import pytest
from starlette.testclient import TestClient

from tests.labels.conftest import LABELS, MakeLabel
from tests.make import ADMIN, error_of, make_project, message_of


def names(client: TestClient, **params: str | int) -> list[str]:
    answer = client.get(LABELS, params={"scope": "g", **params}, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    return [label["name"] for label in answer.json()]


@pytest.fixture
def palette(make_label: MakeLabel) -> None:
    for name, color in (("stable", "#48960C"), ("beta", "#F57600"), ("un_stable%", "#C92100")):
        make_label(name, color=color)


@pytest.mark.parametrize("params", [{}, {"scope": ""}, {"scope": "x"}, {"project_id": 1}], ids=str)
def test_a_scope_is_mandatory(client: TestClient, params: dict[str, str]) -> None:
    answer = client.get(LABELS, params=params, auth=ADMIN)
    assert (error_of(answer), message_of(answer)) == ((400, "BAD_REQUEST"), "invalid scope")


@pytest.mark.parametrize("params", [{}, {"project_id": 0}], ids=str)
def test_labels_of_a_project_need_one(client: TestClient, params: dict[str, int]) -> None:
    answer = client.get(LABELS, params={"scope": "p", **params}, auth=ADMIN)
    assert error_of(answer) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("project_id", ["-1", "x", str(2**31), "", "1,2"])
def test_what_cannot_be_a_project_is_refused(client: TestClient, project_id: str) -> None:
    answer = client.get(LABELS, params={"scope": "p", "project_id": project_id}, auth=ADMIN)
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")


def test_a_project_that_does_not_exist_is_not_found(client: TestClient) -> None:
    answer = client.get(LABELS, params={"scope": "p", "project_id": 99}, auth=ADMIN)
    assert error_of(answer) == (404, "NOT_FOUND")


def test_an_empty_list_is_a_list(client: TestClient) -> None:
    answer = client.get(LABELS, params={"scope": "g"})
    assert (answer.json(), answer.headers["X-Total-Count"]) == ([], "0")


def test_each_scope_and_each_project_has_labels_of_its_own(
    client: TestClient, make_label: MakeLabel, team: int
) -> None:
    other = make_project(client, "other")
    make_label("everyone's")
    make_label("ours", project=team)
    make_label("theirs", project=other)
    assert names(client) == ["everyone's"]
    assert names(client, project_id=team) == ["everyone's"]
    assert names(client, scope="p", project_id=team) == ["ours"]
    assert names(client, scope="p", project_id=other) == ["theirs"]
    assert names(client, scope="p", project_id=team, q=f"project_id={other}") == []


@pytest.mark.usefixtures("palette")
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("stable", ["stable", "un_stable%"]),
        ("~stable", ["stable", "un_stable%"]),
        ("STABLE", ["stable", "un_stable%"]),
        ("n_s", ["un_stable%"]),
        ("%", ["un_stable%"]),
        ("e_a", []),
        ("", ["stable", "beta", "un_stable%"]),
    ],
)
def test_a_part_of_the_name_is_enough(client: TestClient, name: str, found: list[str]) -> None:
    assert names(client, name=name) == found


@pytest.mark.usefixtures("palette")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=stable", ["stable"]),
        ("name=~stab", ["stable", "un_stable%"]),
        ("color=#F57600", ["beta"]),
        ("id={1 3}", ["stable", "un_stable%"]),
        ("id=[2~]", ["beta", "un_stable%"]),
        ("unheard=of", ["stable", "beta", "un_stable%"]),
    ],
)
def test_q_chooses(client: TestClient, query: str, found: list[str]) -> None:
    assert names(client, q=query) == found


@pytest.mark.parametrize("query", ["name", "=x", "name=", "id=x", "creation_time=soon"])
def test_a_q_that_says_nothing_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(LABELS, params={"scope": "g", "q": query})
    assert error_of(answer) == (400, "BAD_REQUEST")


@pytest.mark.usefixtures("palette")
@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("", ["stable", "beta", "un_stable%"]),
        ("name", ["beta", "stable", "un_stable%"]),
        ("-name", ["un_stable%", "stable", "beta"]),
        ("-color", ["beta", "un_stable%", "stable"]),
        ("scope,-id", ["un_stable%", "beta", "stable"]),
        ("unheard", ["stable", "beta", "un_stable%"]),
    ],
)
def test_sort_orders(client: TestClient, sort: str, found: list[str]) -> None:
    assert names(client, sort=sort) == found


@pytest.mark.usefixtures("palette")
def test_pages_tell_where_the_others_are(client: TestClient) -> None:
    page: dict[str, str | int] = {"scope": "g", "page": 2, "page_size": 2}
    answer = client.get(LABELS, params=page)
    assert [label["name"] for label in answer.json()] == ["un_stable%"]
    assert answer.headers["X-Total-Count"] == "3"
    assert 'rel="prev"' in answer.headers["Link"]
    assert client.get(f"{LABELS}/", params=page).json() == answer.json()


@pytest.mark.parametrize(
    "params", [{"page": 0}, {"page_size": 0}, {"page_size": 101}, {"page": "x"}, {"name": "\0"}]
)
def test_a_page_that_cannot_be_is_refused(client: TestClient, params: dict[str, str]) -> None:
    answer = client.get(LABELS, params={"scope": "g", **params})
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")
