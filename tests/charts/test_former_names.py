"""Charts whose repositories were renamed or moved are found under their former names."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import repository
from tests.charts.packing import api, signed, upload, uploaded
from tests.make import (
    ADMIN,
    API,
    Login,
    add_member,
    error_of,
    make_project,
    make_user,
    message_of,
    push_image,
    sha256,
)


def moved(client: TestClient, repo: str, **wanted: str) -> None:
    answer = client.post(f"{repository(repo)}/move", json=wanted, auth=ADMIN)
    assert answer.status_code == 200, answer.text


def asked(client: TestClient, path: str, login: Login | None = ADMIN) -> Any:
    return client.get(f"/chartrepo/{path}", auth=login, follow_redirects=False)


def location(client: TestClient, path: str, login: Login | None = ADMIN) -> str:
    answer = asked(client, path, login)
    assert answer.status_code == 301, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return str(answer.headers["Location"])


@pytest.fixture
def raw(client: TestClient) -> bytes:
    """A chart of the private project ``here``; there is another project, ``there``."""
    make_project(client, "here")
    make_project(client, "there")
    return uploaded(client, "here/app", "1.0.0-rc.1+b2")


FILE = "here/charts/app-1.0.0-rc.1%2Bb2.tgz"


@pytest.mark.parametrize(
    ("project", "name", "now"),
    [
        ("here", "web", "here/charts/web"),
        ("there", "app", "there/charts/app"),
        ("there", "a/b/web", "there/charts/a%252Fb/web"),
    ],
)
def test_the_old_address_leads_to_the_file(
    client: TestClient, raw: bytes, project: str, name: str, now: str
) -> None:
    moved(client, "here/app", project=project, name=name)
    assert location(client, FILE) == f"/chartrepo/{now}-1.0.0-rc.1%2Bb2.tgz"
    followed = client.get(f"/chartrepo/{FILE}", auth=ADMIN, follow_redirects=True)
    assert (followed.status_code, followed.content) == (200, raw)


def test_so_does_that_of_a_provenance_file_and_of_a_chart_in_a_folder(client: TestClient) -> None:
    for project in ("here", "there"):
        make_project(client, project)
    raw = uploaded(client, "here/app")
    prov = signed("app", "1.0.0", sha256(raw))
    assert upload(client, "here/app", None, prov=prov, path="/api/chartrepo/here/prov").is_success
    moved(client, "here/app", project="here", name="deep/down/app")
    for ending in (".tgz.prov", ".prov"):
        now = location(client, f"here/charts/app-1.0.0{ending}")
        assert now == f"/chartrepo/here/charts/deep%252Fdown/app-1.0.0{ending}"
        assert client.get(now, auth=ADMIN).content == prov
    moved(client, "here/deep/down/app", project="there", name="app")
    now = location(client, "here/charts/deep%252Fdown/app-1.0.0.tgz")
    assert now == "/chartrepo/there/charts/app-1.0.0.tgz"
    assert location(client, "here/charts/app-1.0.0.tgz") == now


def test_a_project_that_was_renamed_too_is_passed_on_the_way(
    client: TestClient, raw: bytes
) -> None:
    moved(client, "here/app", project="here", name="web")
    renamed = client.post(f"{API}/projects/here/rename", json={"name": "new"}, auth=ADMIN)
    assert renamed.status_code == 200
    followed = client.get(f"/chartrepo/{FILE}", auth=ADMIN, follow_redirects=True)
    assert (followed.status_code, followed.content) == (200, raw)


def test_rights_are_those_of_where_it_lies_now(client: TestClient, raw: bytes) -> None:
    ann, bob = make_user(client, "ann"), make_user(client, "bob")
    add_member(client, "here", ann, 3)
    moved(client, "here/app", project="there", name="app")
    make_project(client, "never")
    add_member(client, "never", ann, 3)
    for login in (ann, bob, None):
        never = asked(client, "never/charts/app-1.0.0.tgz", login)
        answer = asked(client, FILE, login)
        assert answer.status_code == never.status_code
        assert "there" not in answer.text
    add_member(client, "there", bob, 3)
    assert location(client, FILE, bob).startswith("/chartrepo/there/")


def test_what_is_not_there_now_is_not_found(client: TestClient, raw: bytes) -> None:
    moved(client, "here/app", project="there", name="app")
    for name in ("app-1.0.1.tgz", "app-1.0.0-rc.1%2Bb2.zip", "other-1.0.0.tgz"):
        assert error_of(asked(client, f"here/charts/{name}")) == (404, "NOT_FOUND")
    push_image(client, "there/other")
    moved(client, "there/other", project="here", name="app")  # the name is another one's now
    assert error_of(asked(client, FILE)) == (404, "NOT_FOUND")


def test_the_api_says_where_the_chart_is_now(client: TestClient, raw: bytes) -> None:
    moved(client, "here/app", project="there", name="web")
    for method in ("GET", "DELETE"):
        for path in (api("here/app", "app"), api("here/app", "app", "1.0.0-rc.1+b2")):
            answer = client.request(method, path, auth=ADMIN, follow_redirects=False)
            assert error_of(answer) == (404, "NOT_FOUND")
            assert "there/web" in message_of(answer)
