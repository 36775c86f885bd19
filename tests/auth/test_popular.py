"""The repositories that the sign-in page offers to strangers."""

import re

from starlette.testclient import TestClient

from tests.make import ADMIN, bearer, make_project, push_image
from tests.registry.servers import flush


def pull(client: TestClient, name: str, times: int) -> None:
    headers = bearer(client, ADMIN, f"repository:{name}:pull")
    for _ in range(times):
        assert client.get(f"/v2/{name}/manifests/1.0", headers=headers).status_code == 200


def offered(client: TestClient) -> list[tuple[str, str]]:
    """Name and pulls of each repository on the page."""
    text = client.get("/account/sign-in").text
    section = text.partition('class="popular"')[2].partition("</section>")[0]
    return re.findall(r'<a [^>]*title="([^"]*)".*?title="(\d+) pulls?"', section)


def test_without_pulls_nothing_is_offered(client: TestClient) -> None:
    assert "Popular repositories" not in client.get("/account/sign-in").text
    make_project(client, "open", public=True)
    push_image(client, "open/never-pulled")
    assert "Popular repositories" not in client.get("/account/sign-in").text


def test_the_most_pulled_public_ones_come_first(client: TestClient) -> None:
    opened = make_project(client, "open", public=True)
    make_project(client, "team")
    for name, times in (("open/a", 1), ("open/b", 3), ("team/secret", 5), ("open/c", 2)):
        push_image(client, name)
        pull(client, name, times)
    flush(client)
    assert offered(client) == [("open/b", "3"), ("open/c", "2"), ("open/a", "1")]
    assert (
        f'href="/harbor/projects/{opened}/repositories/b/artifacts-tab"'
        in client.get("/account/sign-in").text
    )
    assert "secret" not in client.get("/account/sign-in").text
    settings = {"metadata": {"public": "false"}}
    changed = client.put("/api/v2.0/projects/open", json=settings, auth=ADMIN)
    assert changed.status_code == 200
    assert offered(client) == []


def test_five_are_offered(client: TestClient) -> None:
    make_project(client, "open", public=True)
    for n in range(7):
        push_image(client, f"open/image-{n}")
        pull(client, f"open/image-{n}", 1)
    flush(client)
    assert len(offered(client)) == 5
