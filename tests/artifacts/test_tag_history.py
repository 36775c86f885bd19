"""What tags meant before, whoever moved them, and the way back."""

from collections.abc import Callable
from typing import Any

from starlette.testclient import TestClient

from harbor.app import Building
from harbor.artifacts.service import history
from tests.artifacts.rest import artifact, get, repository
from tests.make import (
    ADMIN,
    API,
    add_member,
    error_of,
    make_project,
    make_rule,
    make_user,
    message_of,
    push_image,
    put_manifest,
    rule_of,
)

Rows = Callable[[str], list[Any]]
REPO = "team/app"


def of_tag(repo: str, tag: str, end: str) -> str:
    return f"{repository(repo)}/tags/{tag}/{end}"


def moves(client: TestClient, tag: str, repo: str = REPO, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(client, of_tag(repo, tag, "history"), **params)
    return found


def told(client: TestClient, tag: str, repo: str = REPO) -> list[tuple[str, str | None, str]]:
    """What the history says, the oldest first."""
    return [(m["operation"], m["digest"], m["state"]) for m in reversed(moves(client, tag, repo))]


def roll_back(client: TestClient, tag: str, **body: Any) -> Any:
    return client.post(of_tag(REPO, tag, "rollback"), json=body, auth=ADMIN)


def test_each_move_is_noted_and_the_same_again_is_none(client: TestClient) -> None:
    make_project(client, "team")
    developer = make_user(client, "dev")
    add_member(client, "team", developer, 2)
    first = push_image(client, REPO, "1")
    second = push_image(client, REPO, "2", developer)
    for image in (second, second, first):
        assert put_manifest(client, REPO, "1", image.raw, developer).status_code == 201
    found = moves(client, "1")
    assert [(m["operation"], m["digest"], m["username"]) for m in found] == [
        ("push", first.digest, "dev"),
        ("push", second.digest, "dev"),
        ("push", first.digest, "admin"),
    ]
    assert [m["state"] for m in found] == ["current", "here", "current"]
    assert len(moves(client, "1", page_size=2)) == 2
    assert [m["username"] for m in moves(client, "1", q="username=admin")] == ["admin"]


def test_every_road_is_noted(client: TestClient) -> None:
    make_project(client, "team")
    image = push_image(client, REPO, "a")
    one = artifact(REPO, image.digest)
    assert client.post(f"{one}/tags", json={"name": "b"}, auth=ADMIN).status_code == 201
    assert client.delete(f"{one}/tags/b", auth=ADMIN).status_code == 200
    source = {"from": f"{REPO}:a"}
    path = f"{repository('team/copy')}/artifacts"
    assert client.post(path, params=source, auth=ADMIN).status_code == 201
    assert client.delete(repository("team/copy"), auth=ADMIN).status_code == 200
    assert client.delete(one, auth=ADMIN).status_code == 200
    assert told(client, "b") == [("create", image.digest, "trash"), ("delete", None, "none")]
    copied = [("copy", image.digest, "trash"), ("delete", None, "none")]
    assert told(client, "a", "team/copy") == copied
    assert told(client, "a") == [("push", image.digest, "trash"), ("delete", None, "none")]
    (entry, *_) = get(client, f"{API}/projects/team/trash", sort="-id")
    back = client.post(f"{API}/projects/team/trash/{entry['id']}/restore", auth=ADMIN)
    assert back.status_code == 200
    assert told(client, "a")[-1] == ("restore", image.digest, "current")


def test_a_tag_nobody_has_seen_has_no_history(client: TestClient) -> None:
    make_project(client, "team")
    answer = client.get(of_tag(REPO, "1", "history"), auth=ADMIN)
    assert error_of(answer) == (404, "NOT_FOUND")


def test_a_tag_is_rolled_back_by_entry_or_digest(client: TestClient, rows: Rows) -> None:
    make_project(client, "team")
    old, new = push_image(client, REPO, "old"), push_image(client, REPO, "new")
    for image in (old, new):
        assert put_manifest(client, REPO, "1", image.raw).status_code == 201
    first = moves(client, "1")[-1]["id"]
    answer = roll_back(client, "1", id=first)
    assert (answer.status_code, answer.json()) == (200, {"name": "1", "digest": old.digest})
    head = client.head(f"/v2/{REPO}/manifests/1", auth=ADMIN)
    assert head.headers["Docker-Content-Digest"] == old.digest
    assert roll_back(client, "1", digest=new.digest).status_code == 200
    assert [m["operation"] for m in moves(client, "1")] == ["rollback"] * 2 + ["push"] * 2
    assert roll_back(client, "1", digest=new.digest).status_code == 200
    assert len(moves(client, "1")) == 4
    lines = rows("SELECT operation FROM audit_log_ext WHERE resource = 'team/app:1'")
    assert lines.count(("update",)) == 3


def test_a_removed_tag_comes_back_by_a_roll_back(client: TestClient) -> None:
    make_project(client, "team")
    image = push_image(client, REPO, "1")
    path = f"{artifact(REPO, image.digest)}/tags/1"
    assert client.delete(path, auth=ADMIN).status_code == 200
    removed, pushed = moves(client, "1")
    assert error_of(roll_back(client, "1", id=removed["id"])) == (400, "BAD_REQUEST")
    assert roll_back(client, "1", id=pushed["id"]).status_code == 200
    assert client.head(f"/v2/{REPO}/manifests/1", auth=ADMIN).status_code == 200


def test_a_roll_back_that_cannot_be_says_why(client: TestClient) -> None:
    make_project(client, "team")
    old, new = push_image(client, REPO, "old"), push_image(client, REPO, "new")
    for image in (old, new):
        assert put_manifest(client, REPO, "1", image.raw).status_code == 201
    rule = make_rule(client, "team", rule_of(tags="1"))
    assert roll_back(client, "1", digest=old.digest).status_code == 412
    path = f"{API}/projects/team/immutabletagrules/{rule}"
    named = {"X-Is-Resource-Name": "true"}
    assert client.delete(path, auth=ADMIN, headers=named).status_code == 200
    assert client.delete(artifact(REPO, old.digest), auth=ADMIN).status_code == 200
    answer = roll_back(client, "1", digest=old.digest)
    assert answer.status_code == 412
    assert "trash" in message_of(answer)
    assert client.delete(f"{API}/projects/team/trash", auth=ADMIN).status_code == 200
    assert error_of(roll_back(client, "1", digest=old.digest)) == (404, "NOT_FOUND")
    assert moves(client, "1")[-1]["state"] == "gone"
    assert error_of(roll_back(client, "1", id=2**31 - 1)) == (404, "NOT_FOUND")
    assert error_of(roll_back(client, "1")) == (400, "BAD_REQUEST")
    other = push_image(client, "team/other", "1")
    assert error_of(roll_back(client, "1", digest=other.digest)) == (404, "NOT_FOUND")


def test_only_the_newest_moves_of_a_tag_are_kept(
    client: TestClient, rows: Rows, monkeypatch: Any
) -> None:
    make_project(client, "team")
    images = [push_image(client, REPO, tag) for tag in ("a", "b")]
    for at in range(5):
        assert put_manifest(client, REPO, "1", images[at % 2].raw).status_code == 201
    monkeypatch.setattr(history, "KEPT", 2)
    building = client.app
    assert isinstance(building, Building)
    assert client.portal is not None
    newest = [m["id"] for m in moves(client, "1")][:2]
    client.portal.call(history.forget_old, building.db)
    assert [m["id"] for m in moves(client, "1")] == newest
    assert rows("SELECT count(*) FROM tag_move WHERE tag = 'a'") == [(1,)]
