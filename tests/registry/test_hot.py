"""What is remembered is never older than what was committed, by whichever process."""

from collections.abc import Callable
from typing import Any

import pytest

from harbor.core.express import Asked
from harbor.registry.hot import Hot
from tests.conftest import Start
from tests.make import (
    ADMIN,
    API,
    add_member,
    bearer,
    make_project,
    make_user,
    push_blob,
    push_image,
    put_manifest,
)

NAME = "library/app"
TAG = f"/v2/{NAME}/manifests/1.0"
Two = tuple[Any, Any, dict[str, str]]


@pytest.fixture
def two(start: Start) -> Two:
    """Two servers on one database, and a token that both know."""
    one, other = start(), start()
    push_image(one, NAME)
    token = bearer(one, ADMIN, f"repository:{NAME}:pull")
    for client in (one, other):
        for _ in range(2):  # the first is remembered, the second served from memory
            assert client.get(TAG, headers=token).status_code == 200
    return one, other, token


def answers_in(client: Any) -> int:
    hot = client.app.registry.hot
    assert isinstance(hot, Hot)
    return len(hot._answers)


def test_an_answer_is_remembered(two: Two) -> None:
    one, _, _ = two
    assert answers_in(one) == 1


def test_a_blob_that_was_asked_for_by_its_head_alone_is_remembered_when_it_is_sent(
    two: Two,
) -> None:
    one, _, token = two
    path = f"/v2/{NAME}/blobs/{push_blob(one, NAME, b'0123456789')}"
    raw = path.encode()
    for _ in range(2):
        assert one.head(path, headers=token).headers["Content-Length"] == "10"
    assert one.app.registry.hot._answers[raw].body is None
    for _ in range(2):
        assert one.get(path, headers=token).content == b"0123456789"
        assert one.app.registry.hot._answers[raw].body == b"0123456789"
    assert one.head(path, headers=token).headers["Content-Length"] == "10"
    part = one.get(path, headers=token | {"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")


def begun(client: Any, token: dict[str, str]) -> tuple[int, str]:
    answer = client.post(f"/v2/{NAME}/blobs/uploads/", headers=token)
    return answer.status_code, answer.headers.get("Location", "")


def test_uploads_are_begun_from_memory_each_with_its_own_id(two: Two) -> None:
    one, other, _ = two
    token = bearer(one, ADMIN, f"repository:{NAME}:pull,push")
    asked = one.post(f"/v2/{NAME}/blobs/uploads/", headers=token)
    remembered = one.app.registry.hot._begun
    assert len(remembered) == one.app.db.is_sqlite  # PostgreSQL would have to be asked
    again = one.post(f"/v2/{NAME}/blobs/uploads/", headers=token)
    unlike = ("x-request-id", "location", "docker-upload-uuid")
    shown = [{k: v for k, v in each.headers.items() if k not in unlike} for each in (asked, again)]
    assert shown[0] == shown[1]
    places = {begun(client, token) for client in (one, one, one, other, other)}
    assert len(places) == 5
    for status, place in places:
        assert status == 202
        assert other.get(place, headers=token).status_code == 204


def test_an_upload_is_begun_from_memory_only_by_who_still_may(two: Two) -> None:
    one, other, _ = two
    ann = make_user(one, "hot-ann")
    add_member(one, "library", ann, 2)
    token = bearer(one, ann, f"repository:{NAME}:pull,push")
    bob = make_user(one, "hot-bob")
    add_member(one, "library", bob, 3)
    guest = bearer(one, bob, f"repository:{NAME}:pull,push")
    for turn in range(4):
        reader, writer = (one, other) if turn % 2 else (other, one)
        for _ in range(3):
            assert begun(reader, token)[0] == 202
            assert begun(reader, guest)[0] == 401
        for wanted, status in ((True, 403), (False, 202)):
            changed = writer.put(f"{API}/configurations", json={"read_only": wanted}, auth=ADMIN)
            assert changed.status_code == 200
            assert begun(reader, token)[0] == status
            assert begun(reader, token)[0] == status


def test_what_says_more_than_begin_is_not_answered_from_memory(two: Two) -> None:
    one, _, _ = two
    token = bearer(one, ADMIN, f"repository:{NAME}:pull,push")
    digest = push_blob(one, NAME, b"0123456789")
    for _ in range(2):
        assert begun(one, token)[0] == 202
    uploads = f"/v2/{NAME}/blobs/uploads/"
    mounted = one.post(uploads, params={"mount": digest, "from": NAME}, headers=token)
    assert mounted.status_code == 201
    whole = one.post(uploads, params={"digest": digest}, content=b"0123456789", headers=token)
    assert whole.status_code == 201


def test_a_tag_that_moved_is_served_where_it_is_now_by_every_process(two: Two) -> None:
    one, other, token = two
    for turn in range(20):
        writer, reader = (one, other) if turn % 2 else (other, one)
        moved = push_image(writer, NAME, annotations={"turn": str(turn)})
        for client in (reader, writer):
            found = client.get(TAG, headers=token)
            assert found.headers["Docker-Content-Digest"] == moved.digest
            assert found.content == moved.raw
            head = client.head(TAG, headers=token)
            assert (head.headers["Docker-Content-Digest"], head.content) == (moved.digest, b"")


def test_the_same_bytes_are_answered_as_things_are_now(two: Two) -> None:
    one, other, token = two
    hot = one.app.registry.hot
    credentials = (b"authorization", token["Authorization"].encode())
    asked = {method: Asked(method, TAG.encode(), [credentials]) for method in (b"GET", b"HEAD")}

    def answer(method: bytes) -> Any:
        return one.portal.call(hot.at_once, asked[method])

    for turn in range(6):
        writer = other if turn % 2 else one
        moved = push_image(writer, NAME, annotations={"turn": str(turn)})
        assert [answer(method) for method in asked] == [None, None]
        assert one.get(TAG, headers=token).content == moved.raw
        if one.portal.call(one.app.db.quick.version_now) is None:
            continue  # this kind of database does not tell for nothing whether it has changed
        for _ in range(3):
            status, head, body = answer(b"GET")
            assert (status, body) == (200, moved.raw)
            assert answer(b"HEAD") == (200, head, b"")
            assert moved.digest.encode() in head
        one.portal.call(one.app.later.flush)  # the pulls are written down


def test_a_large_answer_does_not_stay_with_the_request(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _, token = two
    monkeypatch.setattr("harbor.registry.hot.MAX_NOTED", 1)
    raw = one.get(TAG, headers=token).content
    asked = Asked(b"GET", TAG.encode(), [(b"authorization", token["Authorization"].encode())])
    found = one.portal.call(one.app.registry.hot.at_once, asked)
    assert found is None or found[2] == raw
    assert asked.noted is None


def test_a_name_is_remembered_no_longer_than_it_is_one(two: Two) -> None:
    one, other, token = two
    renames = f"{API}/projects/library/repositories"
    for turn in range(6):
        writer, reader = (one, other) if turn % 2 else (other, one)
        before, now = ("app", "former") if turn % 2 == 0 else ("former", "app")
        wanted = {"name": now}
        assert writer.post(f"{renames}/{before}/move", json=wanted, auth=ADMIN).status_code == 200
        for client in (reader, writer):
            for name in (NAME, "library/former", NAME):  # by a former name, from memory too
                found = client.get(f"/v2/{name}/tags/list", headers=token)
                assert found.json() == {"name": f"library/{now}", "tags": ["1.0"]}
    assert one.delete(f"{renames}/app", auth=ADMIN).status_code == 200
    for client in (other, one):
        assert client.get(TAG, headers=token).status_code == 404
        assert client.get("/v2/library/former/tags/list", headers=token).status_code == 404


def test_what_was_deleted_is_gone_everywhere_at_once(two: Two) -> None:
    one, other, token = two
    digest = one.head(TAG, headers=token).headers["Docker-Content-Digest"]
    blob = push_blob(one, NAME, b"a blob of nobody")
    paths = (f"/v2/{NAME}/manifests/{digest}", f"/v2/{NAME}/blobs/{blob}")
    for path in paths:
        for _ in range(2):
            assert other.head(path, headers=token).status_code == 200
            assert other.get(path, headers=token).status_code == 200
        assert one.delete(path, auth=ADMIN).status_code == 202
        assert other.head(path, headers=token).status_code == 404
        assert other.get(path, headers=token).status_code == 404
    assert other.get(TAG, headers=token).status_code == 404


def test_the_tags_are_listed_as_they_are_now(two: Two) -> None:
    one, other, token = two
    for count in range(2, 6):
        raw = one.get(TAG, headers=token).content
        assert put_manifest(one, NAME, f"{count}.0", raw).status_code == 201
        for _ in range(2):
            listed = other.get(f"/v2/{NAME}/tags/list", headers=token).json()["tags"]
            assert listed == [f"{n}.0" for n in range(1, count + 1)]


def test_a_password_that_changed_lets_nobody_in(start: Start) -> None:
    one, other = start(), start()
    make_project(one, "team")
    ann = make_user(one, "ann")
    membership = add_member(one, "team", ann, 3)
    push_image(one, "team/app")
    for _ in range(2):
        assert other.get("/v2/team/app/manifests/1.0", auth=ann).status_code == 200
    assert one.delete(membership, auth=ADMIN).status_code == 200
    assert other.get("/v2/team/app/manifests/1.0", auth=ann).status_code == 401


def test_a_remembered_answer_is_for_the_token_that_had_it(two: Two, start: Start) -> None:
    one, _, _ = two
    ann = make_user(one, "ann")
    make_project(one, "closed")
    push_image(one, "closed/app")
    path = "/v2/closed/app/manifests/1.0"
    for _ in range(2):
        own = bearer(one, ADMIN, "repository:closed/app:pull")
        assert one.get(path, headers=own).status_code == 200
        assert one.get(path, headers=own).status_code == 200
        for stranger in ({}, bearer(one, ann, "repository:closed/app:pull"), {"Authorization": ""}):
            assert one.get(path, headers=stranger).status_code == 401


def test_conditions_are_met_from_memory_too(two: Two) -> None:
    one, _, token = two
    digest = one.head(TAG, headers=token).headers["Docker-Content-Digest"]
    same = one.get(TAG, headers=token | {"If-None-Match": f'"{digest}"'})
    assert (same.status_code, same.content) == (304, b"")
    blob = push_blob(one, NAME, b"0123456789")
    path = f"/v2/{NAME}/blobs/{blob}"
    for _ in range(3):
        part = one.get(path, headers=token | {"Range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")
        assert one.get(path, headers=token).content == b"0123456789"
        assert one.get(path, headers=token | {"If-None-Match": blob}).status_code == 304
        assert one.head(path, headers=token).headers["Content-Length"] == "10"


def test_pulls_from_memory_are_counted_and_those_by_replication_are_not(
    two: Two, rows: Callable[[str], list[Any]]
) -> None:
    one, other, token = two
    for agent in ("docker/28", "harbor-registry-client"):
        one.get(TAG, headers=token | {"User-Agent": agent})
    one.head(TAG, headers=token)
    for client in (one, other):
        client.portal.call(client.app.later.flush)
    assert rows("SELECT pull_count FROM repository") == [(5,)]
    assert rows("SELECT count(*) FROM audit_log_ext WHERE operation = 'pull'") == [(5,)]


def test_memory_is_bounded(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _, token = two
    monkeypatch.setattr("harbor.registry.hot.MAX_BYTES", 8 * 1024)
    raw = one.get(TAG, headers=token).content
    for n in range(12):
        assert put_manifest(one, NAME, f"t{n}", raw).status_code == 201
    for n in range(12):
        assert one.get(f"/v2/{NAME}/manifests/t{n}", headers=token).status_code == 200
    assert answers_in(one) < 8
