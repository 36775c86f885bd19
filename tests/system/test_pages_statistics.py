"""How much there is, above the list of projects."""

from starlette.testclient import TestClient

from tests.make import ADMIN, make_project, make_user, push_image
from tests.projects.pages import words

HTMX = {"HX-Request": "true", "HX-Target": "statistics"}


def test_an_administrator_sees_all_of_it(client: TestClient) -> None:
    make_project(client, "team")
    push_image(client, "team/app")
    push_image(client, "library/app")
    answer = client.get("/harbor/statistics", headers=HTMX, auth=ADMIN)
    text = words(answer)
    assert "Projects 2 Public 1 Private 1 Repositories 2 Public 1 Private 1 Storage" in text
    assert answer.text.strip().startswith('<div id="statistics"')


def test_others_see_what_is_theirs_and_no_bytes(client: TestClient) -> None:
    make_project(client, "team")
    ann = make_user(client, "ann")
    text = words(client.get("/harbor/statistics", headers=HTMX, auth=ann))
    assert text == "Projects 1 Public 1 Private 0 Repositories 0 Public 0 Private 0"


def test_it_is_a_page_too(client: TestClient) -> None:
    page = client.get("/harbor/statistics", auth=ADMIN)
    assert "<h1>" in page.text
    assert "Projects 1" in words(page)
