"""Another name or another project for a repository: what stays, who may, and what follows."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact, get, make_label, repository
from tests.make import (
    ADMIN,
    API,
    Login,
    add_member,
    bearer,
    error_of,
    make_project,
    make_rule,
    make_user,
    message_of,
    push_blob,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
    rule_of,
)
from tests.quotas.storage import limit, make_limited, used


def move(client: TestClient, repo: str, login: Login = ADMIN, **wanted: str) -> Any:
    return client.post(f"{repository(repo)}/move", json=wanted, auth=login)


def moved(client: TestClient, repo: str, **wanted: str) -> Any:
    answer = move(client, repo, ADMIN, **wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


def former(client: TestClient, repo: str) -> list[str]:
    return [each["name"] for each in get(client, f"{repository(repo)}/redirects")]


def status(client: TestClient, repo: str, login: Login | None = ADMIN) -> int:
    """Of a pull with credentials, by two roads: directly, and with a token."""
    path = f"/v2/{repo}/manifests/1.0"
    tokened = client.get(path, headers=bearer(client, login, f"repository:{repo}:pull"))
    if login is not None:
        assert client.get(path, auth=login).status_code == tokened.status_code
    return tokened.status_code


def test_all_of_a_repository_moves_to_another_project(client: TestClient) -> None:
    make_project(client, "here")
    target_id = make_project(client, "there")
    pushed = push_image(client, "here/a/b", "1.0")
    index = push_index(client, "here/a/b", "all", pushed)
    push_referrer(client, "here/a/b", pushed, "application/x")
    client.put(repository("here/a/b"), json={"description": "words"}, auth=ADMIN)
    before = get(client, repository("here/a/b"))
    known = get(client, artifact("here/a/b", "1.0"))
    charged = used(client, "here")
    upload = client.post("/v2/here/a/b/blobs/uploads/", auth=ADMIN).headers["Location"]
    assert client.patch(upload, content=b"abc", auth=ADMIN).status_code == 202
    after = moved(client, "here/a/b", project="there", name="c")
    same = {"name": "there/c", "project_id": target_id, "update_time": after["update_time"]}
    assert after == before | same
    now = get(client, artifact("there/c", "1.0"))
    assert now["id"] == known["id"]
    assert now["project_id"] == target_id
    assert [each["digest"] for each in now["accessories"]] == [
        each["digest"] for each in known["accessories"]
    ]
    assert (used(client, "here"), used(client, "there")) == (0, charged)
    for reference, raw in (("1.0", pushed.raw), ("all", index.raw)):
        for name in ("there/c", "here/a/b"):
            answer = client.get(f"/v2/{name}/manifests/{reference}", auth=ADMIN)
            assert answer.content == raw
    for blob in pushed.blobs:
        digest = push_blob(client, "there/c", blob)
        assert client.get(f"/v2/here/a/b/blobs/{digest}", auth=ADMIN).content == blob
    assert client.get(upload.replace("/here/a/b/", "/there/c/"), auth=ADMIN).status_code == 204
    assert get(client, f"{API}/projects/here/repositories") == []
    assert former(client, "there/c") == ["here/a/b"]
    for project in ("here", "there"):
        lines = get(client, f"{API}/projects/{project}/logs")
        assert "here/a/b -> there/c" in [line["resource"] for line in lines]


def test_what_other_repositories_share_stays_charged(client: TestClient) -> None:
    source, target = make_limited(client), make_limited(client)
    for name in (f"{source}/a", f"{source}/b", f"{target}/c"):
        push_blob(client, name, b"shared by all")
    push_image(client, f"{source}/a")
    push_blob(client, f"{source}/a", b"left by a push that was given up")
    alone = used(client, source)
    moved(client, f"{source}/a", project=target)
    assert used(client, source) == len(b"shared by all")
    assert used(client, target) == alone
    moved(client, f"{target}/a", project=source, name="again")
    assert used(client, source) == alone
    assert used(client, target) == len(b"shared by all")


def test_a_project_that_is_too_small_refuses(client: TestClient) -> None:
    source, target = make_limited(client), make_limited(client)
    pushed = push_image(client, f"{source}/a")
    needed = used(client, source)
    limit(client, target, needed - 1)
    assert error_of(move(client, f"{source}/a", project=target)) == (403, "DENIED")
    assert (used(client, source), used(client, target)) == (needed, 0)
    assert client.get(f"/v2/{source}/a/manifests/1.0", auth=ADMIN).content == pushed.raw
    limit(client, target, needed)
    moved(client, f"{source}/a", project=target)


def test_labels_of_the_project_become_those_of_the_same_name(client: TestClient) -> None:
    here, there = make_project(client, "here"), make_project(client, "there")
    push_image(client, "here/a")
    common = make_label(client, "everywhere")
    ours = {name: make_label(client, name, here) for name in ("kept", "lost")}
    theirs = make_label(client, "kept", there)
    for each in (common, *ours.values()):
        path = f"{artifact('here/a', '1.0')}/labels"
        assert client.post(path, json={"id": each}, auth=ADMIN).status_code == 200
    moved(client, "here/a", project="there")
    found = get(client, artifact("there/a", "1.0"), with_label=True)["labels"]
    assert {each["id"] for each in found} == {common, theirs}


def test_who_may_move_and_where(client: TestClient) -> None:
    make_project(client, "here")
    make_project(client, "there")
    push_image(client, "here/a")
    people = {}
    for name, here, there in (("max", 4, 2), ("dev", 2, 4), ("gus", 4, 3)):
        people[name] = make_user(client, name)
        add_member(client, "here", people[name], here)
        add_member(client, "there", people[name], there)
    for name in ("dev", "gus"):
        answer = move(client, "here/a", people[name], project="there")
        assert error_of(answer) == (403, "FORBIDDEN")
    # What is not there, and what one may not push to, are the same.
    make_project(client, "secret")
    told, other = (move(client, "here/a", people["max"], project=to) for to in ("secret", "nothin"))
    assert message_of(told).replace("secret", "nothin") == message_of(other)
    assert error_of(move(client, "here/a", project="nothing")) == (404, "NOT_FOUND")
    assert move(client, "here/a", people["max"], project="there").status_code == 200
    # A maintainer there who may not delete there cannot take it back.
    assert error_of(move(client, "there/a", people["max"], project="here"))[0] == 403


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("b", (409, "CONFLICT")),
        ("a", (400, "BAD_REQUEST")),
        ("Up", (400, "NAME_INVALID")),
        ("x/../y", (400, "NAME_INVALID")),
        ("x" * 251, (400, "NAME_INVALID")),
    ],
)
def test_names_that_cannot_be(client: TestClient, name: str, wrong: tuple[int, str]) -> None:
    make_project(client, "here")
    for repo in ("here/a", "here/b"):
        push_image(client, repo)
    assert error_of(move(client, "here/a", name=name)) == wrong


def test_immutable_tags_stay_in_their_project_but_may_be_renamed(client: TestClient) -> None:
    make_project(client, "here")
    make_project(client, "there")
    push_image(client, "here/a")
    make_rule(client, "here", rule_of("a", "1.*"))
    answer = move(client, "here/a", project="there")
    assert error_of(answer) == (412, "PRECONDITION")
    assert "1.0" in message_of(answer)
    moved(client, "here/a", name="b")
    moved(client, "here/b", project="there")  # the rule is about the other name


def test_rights_are_those_of_where_it_lies_now(client: TestClient) -> None:
    make_project(client, "here")
    make_project(client, "there")
    inside, outside = make_user(client, "inside"), make_user(client, "outside")
    add_member(client, "here", outside, 2)
    add_member(client, "there", inside, 3)
    push_image(client, "here/a")
    moved(client, "here/a", project="there", name="b")
    assert status(client, "here/a", inside) == 200
    assert status(client, "there/b", inside) == 200
    # Who pushes to the old project without a right to read in the new one finds nothing,
    # and may use the name again, which ends the redirect.
    assert status(client, "here/a", outside) == 404
    missing = client.get(f"{API}/projects/here/repositories/a", auth=outside)
    never = client.get(f"{API}/projects/here/repositories/n", auth=outside)
    assert message_of(missing) == message_of(never).replace("/n ", "/a ")
    answer = client.post("/v2/here/a/blobs/uploads/", auth=ADMIN)
    assert error_of(answer) == (403, "DENIED")
    assert "there/b" in message_of(answer)
    for data in (b"config", b"layer"):
        push_blob(client, "here/a", data, outside)
    document = push_image(client, "library/x").raw
    for data in push_image(client, "library/x").blobs:
        push_blob(client, "here/a", data, outside)
    refused = put_manifest(client, "here/a", "1.0", document)
    assert error_of(refused) == (403, "DENIED")
    assert put_manifest(client, "here/a", "1.0", document, outside).status_code == 201
    assert former(client, "there/b") == []
    assert status(client, "here/a", inside) == 401


def test_a_public_place_can_be_pulled_from_without_an_account(client: TestClient) -> None:
    make_project(client, "here")
    make_project(client, "open", public=True)
    push_image(client, "here/a")
    assert status(client, "here/a", None) == 401
    moved(client, "here/a", project="open")
    assert status(client, "here/a", None) == 200


def test_chains_lead_to_the_last_place_also_when_projects_are_renamed_or_gone(
    client: TestClient,
) -> None:
    for name in ("a", "b", "c"):
        make_project(client, name)
    pushed = push_image(client, "a/x")
    moved(client, "a/x", name="y")
    client.post(f"{API}/projects/a/rename", json={"name": "aa"}, auth=ADMIN)
    moved(client, "aa/y", project="b", name="z")
    assert client.delete(f"{API}/projects/aa", auth=ADMIN).status_code == 200
    moved(client, "b/z", project="c")
    names = ["a/x", "a/y", "aa/x", "aa/y", "b/z", "c/z"]
    for name in names:
        assert client.get(f"/v2/{name}/manifests/1.0", auth=ADMIN).content == pushed.raw, name
    assert former(client, "c/z") == ["b/z", "aa/y", "aa/x"]
    path = f"{repository('c/z')}/redirects/aa%252Fy"
    assert client.delete(path, auth=ADMIN).status_code == 200
    assert error_of(client.delete(path, auth=ADMIN)) == (404, "NOT_FOUND")
    make_project(client, "a")
    assert [client.get(f"/v2/{name}/manifests/1.0", auth=ADMIN).status_code for name in names] == [
        404,
        404,
        200,
        401,
        200,
        200,
    ]
    moved(client, "c/z", project="b")
    moved(client, "b/z", project="c")
    assert client.delete(repository("c/z"), auth=ADMIN).status_code == 200
    assert client.get("/v2/b/z/manifests/1.0", auth=ADMIN).status_code == 404


def test_rest_and_pages_say_where_the_repository_is_now(client: TestClient) -> None:
    project_id = make_project(client, "here")
    target_id = make_project(client, "there")
    push_image(client, "here/a/b")
    moved(client, "here/a/b", project="there", name="c/d")
    for path in ("", "/artifacts", "/artifacts/1.0/tags"):
        answer = client.get(repository("here/a/b") + path, auth=ADMIN)
        assert error_of(answer) == (404, "NOT_FOUND")
        assert "there/c/d" in message_of(answer)
    for reference in (str(project_id), "here"):
        page = client.get(
            f"/harbor/projects/{reference}/repositories/a%2Fb/info-tab",
            auth=ADMIN,
            follow_redirects=False,
        )
        assert page.status_code == 301
        where = f"/harbor/projects/{target_id}/repositories/c%2Fd/info-tab"
        assert page.headers["Location"] == where
    assert client.get(where, auth=ADMIN).status_code == 200


def test_the_same_few_statements_for_however_much(client: TestClient, writing: list[str]) -> None:
    make_project(client, "here")
    make_project(client, "there")
    counts = []
    for count in (1, 4):
        for number in range(count):
            push_image(client, f"here/a{count}", f"{number}")
            push_image(client, f"here/{count}-{number}")
        writing.clear()
        moved(client, f"here/a{count}", project="there")
        client.post(f"{API}/projects/here/rename", json={"name": "hier"}, auth=ADMIN)
        client.post(f"{API}/projects/hier/rename", json={"name": "here"}, auth=ADMIN)
        counts.append(len(writing))
    assert counts[0] == counts[1]
