"""The pages of the trash, of a tag's history and of its expiry."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.pages import app, show
from tests.artifacts.rest import artifact, get, names, repository
from tests.make import ADMIN, API, make_repository_rule, push_image, put_manifest
from tests.projects.pages import HTMX, audit, project_id, told, words, wrong_at

__all__ = ["app"]
REPO = "team/app"


@pytest.fixture
def trash(client: TestClient, app: str) -> str:
    """The path of the trash of ``team``."""
    return f"/harbor/projects/{project_id(client, 'team')}/trash"


def ids(client: TestClient) -> list[int]:
    return [each["id"] for each in get(client, f"{API}/projects/team/trash", sort="id")]


def post(client: TestClient, path: str, **data: Any) -> Any:
    return client.post(path, data=data, auth=ADMIN, headers=HTMX)


def test_several_are_restored_or_deleted_forever(client: TestClient, trash: str) -> None:
    assert "can be restored here for 7 days" in words(show(client, trash))
    images = [push_image(client, REPO, name) for name in ("one", "two", "three")]
    for image in images:
        client.delete(artifact(REPO, image.digest), auth=ADMIN)
    push_image(client, REPO, "one")
    moved = push_image(client, REPO, "moved")
    assert put_manifest(client, REPO, "two", moved.raw).status_code == 201
    page = words(show(client, trash))
    assert images[1].digest[7:15] in page
    first, second, third = ids(client)
    chosen = {"id": [first, second]}
    asked = words(client.get(f"{trash}/restore", params=chosen, auth=ADMIN))
    assert f"{REPO}@{images[0].digest[7:19]} (one)" in asked
    said = told(post(client, f"{trash}/restore", **chosen))
    assert said["to"] == trash
    assert said["said"].endswith("These tags mean something else by now: two.")
    lines = {line for line in audit(client) if line[0] == "restore"}
    assert lines == {("restore", "artifact", f"{REPO}@{images[n].digest}", True) for n in (0, 1)}
    asked = words(client.get(f"{trash}/delete", params={"id": third}, auth=ADMIN))
    assert "This cannot be undone." in asked
    gone = told(post(client, f"{trash}/delete", id=third))
    assert gone["said"] == "1 entry was deleted forever."
    assert audit(client)[0][:3] == ("delete", "trash", f"{REPO}@{images[2].digest}")
    assert client.get(f"{trash}/delete", params={"id": third}, auth=ADMIN).status_code == 404
    client.delete(repository(REPO), auth=ADMIN)
    assert told(post(client, f"{trash}/empty"))["said"] == "The trash is empty."
    assert ids(client) == []


def test_developers_restore_but_delete_nothing_for_good(
    client: TestClient, trash: str, people: dict[str, Any]
) -> None:
    image = push_image(client, REPO, "one")
    client.delete(artifact(REPO, image.digest), auth=ADMIN)
    (entry,) = ids(client)
    page = show(client, trash, people["dev"])
    assert f'href="{trash}"' in page.text
    assert f"{trash}/restore?id={entry}" in page.text
    assert f"{trash}/delete" not in page.text
    assert f"{trash}/empty" not in page.text
    assert f"{trash}/delete?id={entry}" in show(client, trash, people["mia"]).text
    assert f'href="{trash}"' not in show(client, f"{trash}/../repositories", people["guest"]).text
    data = {"id": entry}
    gone = client.post(f"{trash}/delete", data=data, auth=people["dev"], headers=HTMX)
    assert gone.status_code == 403
    done = client.post(f"{trash}/restore", data=data, auth=people["dev"], headers=HTMX)
    assert told(done)["said"] == f"Restored: {REPO}@{image.digest}."
    assert ids(client) == []


def test_a_tag_is_rolled_back_in_its_history(client: TestClient, app: str) -> None:
    old, new = push_image(client, REPO, "old"), push_image(client, REPO, "new")
    for image in (old, new):
        assert put_manifest(client, REPO, "1.0", image.raw).status_code == 201
    page = show(client, f"{app}/artifacts/1.0")
    assert f"{app}/tags/1.0/history" in page.text
    moves = get(client, f"{repository(REPO)}/tags/1.0/history")
    shown = words(show(client, f"{app}/tags/1.0/history"))
    assert shown.count("by admin") == len(moves) == 2
    said = told(post(client, f"{app}/tags/1.0/rollback", id=moves[1]["id"], back=app))
    assert said == {"to": app, "said": f"1.0 means {old.digest[7:19]} again."}
    away = post(client, f"{app}/tags/1.0/rollback", id=moves[0]["id"], back="https://evil.test/")
    assert told(away)["to"] == app
    assert client.get(f"{app}/tags/none/history", auth=ADMIN).status_code == 404


def test_the_history_offers_what_one_may_do(
    client: TestClient, app: str, people: dict[str, Any]
) -> None:
    old, new = push_image(client, REPO, "old"), push_image(client, REPO, "new")
    gone = push_image(client, REPO, "gone")
    for image in (gone, old, new):
        assert put_manifest(client, REPO, "1.0", image.raw).status_code == 201
    client.delete(artifact(REPO, gone.digest), auth=ADMIN)
    path = f"{app}/tags/1.0/history"
    for who, offered in (("dev", True), ("guest", False)):
        page = show(client, path, people[who])
        assert "In the trash" in words(page)
        assert ('/trash"' in page.text) == offered
        assert ("/rollback" in page.text) == offered
    make_repository_rule(client, "team", "app", 3, user=people["dev"])
    assert "/rollback" not in show(client, path, people["dev"]).text


def test_a_tag_is_given_a_time_and_loses_it(client: TestClient, app: str) -> None:
    image = push_image(client, REPO, "1.0")
    path = f"{app}/tags/1.0/expiry"
    tags = f"{artifact(REPO, image.digest)}/tags"
    assert told(post(client, path, after="7"))["said"] == "1.0 is removed then."
    assert "expires in" in words(show(client, f"{app}/artifacts/1.0"))
    assert "It is to be removed on" in words(show(client, path))
    assert "expires_at" in get(client, tags)[0]
    assert told(post(client, path, after=""))["said"] == "1.0 stays."
    assert "expires_at" not in get(client, tags)[0]
    for day in ("", "2020-01-01", "2026-02-31"):
        answer = post(client, path, after="day", day=day)
        assert (answer.status_code, wrong_at(answer)) == (400, "day")
    assert names(client, tags) == ["1.0"]
