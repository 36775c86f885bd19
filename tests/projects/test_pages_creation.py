"""The dialog that makes a project."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.auth.browsers import meant, signed_in
from tests.make import ADMIN, API, make_project, make_user
from tests.projects.pages import HOSTILE, HTMX, audit, project_id, told, words, wrong_at

NEW = "/harbor/projects/new"
GIB = 1024**3


def limit(client: TestClient, name: str) -> int:
    summary = client.get(f"{API}/projects/{name}/summary", auth=ADMIN).json()
    return int(summary["quota"]["hard"]["storage"])


def create(client: TestClient, login: Any = ADMIN, **form: str) -> Any:
    return client.post(NEW, data=form, headers=HTMX, auth=login)


def test_a_project_is_made_and_shown(client: TestClient) -> None:
    answer = create(client, project_name="fresh", access="public")
    made = project_id(client, "fresh")
    assert told(answer) == {"to": f"/harbor/projects/{made}", "said": "The project was created."}
    kept = client.get(f"{API}/projects/fresh", auth=ADMIN).json()
    assert kept["metadata"]["public"] == "true"
    assert limit(client, "fresh") == -1
    assert audit(client)[0] == ("create", "project", "fresh", True)


def test_it_is_private_unless_told(client: TestClient) -> None:
    create(client, project_name="fresh")
    kept = client.get(f"{API}/projects/fresh", auth=ADMIN).json()
    assert kept["metadata"]["public"] == "false"


@pytest.mark.parametrize(
    ("number", "unit", "nbytes"),
    [
        ("3", "GiB", 3 * GIB),
        ("512", "MiB", GIB // 2),
        ("1024", "TiB", 1024 * 1024 * GIB),
        (" 7 ", "GiB", 7 * GIB),
        ("", "GiB", 5 * GIB),
        ("9", "none", -1),
    ],
)
def test_an_administrator_may_limit_it(
    client: TestClient, configure: Any, number: str, unit: str, nbytes: int
) -> None:
    configure(storage_per_project=5 * GIB)
    assert "5 GiB" in words(client.get(NEW, auth=ADMIN))
    told(create(client, project_name="fresh", storage=number, storage_unit=unit))
    assert limit(client, "fresh") == nbytes


def test_others_may_not_limit_it(client: TestClient) -> None:
    ann = make_user(client, "ann")
    assert 'name="storage"' not in client.get(NEW, auth=ann).text
    told(create(client, ann, project_name="fresh", storage="3"))
    assert limit(client, "fresh") == -1


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "many", "9" * 40, "1048577", "٣"])
def test_a_limit_that_cannot_be_is_said_at_its_field(client: TestClient, number: str) -> None:
    answer = create(client, project_name="fresh", storage=number, storage_unit="GiB")
    assert (answer.status_code, wrong_at(answer)) == (400, "storage")
    assert client.get(f"{API}/projects/fresh", auth=ADMIN).status_code == 404
    assert audit(client)[0] == ("create", "project", "fresh", False)


@pytest.mark.parametrize("name", ["", "Fresh", "-x", "a--b", "a b", HOSTILE, "x/y", "é"])
def test_a_name_that_cannot_be_is_said_at_its_field(client: TestClient, name: str) -> None:
    answer = create(client, project_name=name)
    assert (answer.status_code, wrong_at(answer)) == (400, "project_name")
    assert "Small letters and digits" in words(answer)
    if name:
        checked = client.get(f"{NEW}/check", params={"project_name": name}, auth=ADMIN)
        assert "Small letters and digits" in words(checked)


def test_a_name_that_is_taken_is_said_at_its_field(client: TestClient) -> None:
    make_project(client, "taken")
    answer = create(client, project_name="taken")
    assert (answer.status_code, wrong_at(answer)) == (409, "project_name")
    checked = client.get(f"{NEW}/check", params={"project_name": "taken"}, auth=ADMIN)
    assert words(checked) == "There is a project of that name already."


@pytest.mark.parametrize("name", ["", "free", "a.b-c_d"])
def test_nothing_is_said_of_a_good_name(client: TestClient, name: str) -> None:
    answer = client.get(f"{NEW}/check", params={"project_name": name}, auth=ADMIN)
    assert (answer.status_code, words(answer)) == (200, "")


def test_what_no_form_of_ours_sends_is_refused(client: TestClient) -> None:
    assert create(client, project_name="x", access="secret").status_code == 422
    assert create(client, project_name="x", storage_unit="EiB").status_code == 422
    assert create(client, project_name="x" * 256).status_code == 422


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_only_administrators_create_others_get_no_form(
    client: TestClient, configure: Any, method: str
) -> None:
    ann = make_user(client, "ann")
    configure(project_creation_restriction="adminonly")
    answer = client.request(method, NEW, auth=ann)
    assert answer.status_code == 403
    assert client.get(f"{NEW}/check", auth=ann).status_code == 403
    assert client.get(NEW, auth=ADMIN).status_code == 200


def test_strangers_are_sent_to_the_sign_in_and_back(client: TestClient) -> None:
    answer = client.get(NEW)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/account/sign-in?redirect_url={NEW.replace('/', '%2F')}"


def test_a_page_of_another_site_makes_no_project(client: TestClient) -> None:
    visitor = signed_in(client)
    assert visitor.post(NEW, data={"project_name": "fresh"}).status_code == 403
    made = visitor.post(NEW, data={"project_name": "fresh"}, headers=meant(visitor))
    assert made.status_code == 303


def test_in_read_only_mode_nothing_is_made(client: TestClient, configure: Any) -> None:
    configure(read_only=True)
    assert create(client, project_name="fresh").status_code == 403
