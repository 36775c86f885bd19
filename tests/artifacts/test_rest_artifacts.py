"""Artifacts over REST: what is shown, what is found, what is deleted."""

from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from harbor.app import Building
from tests.artifacts.rest import artifact, digests, get, make_label, repository
from tests.conftest import POSTGRESQL
from tests.make import (
    ADMIN,
    API,
    CONFIG,
    OCI_MANIFEST,
    Pushed,
    descriptor,
    error_of,
    message_of,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
)
from tests.registry.servers import Rows, project_of, until

NEVER = "0001-01-01T00:00:00.000Z"
ASKED = CONFIG.replace("+", "%2B")  # q is unescaped once more than other parameters


def untag(client: TestClient, repo: str, tag: str) -> None:
    assert client.delete(f"/v2/{repo}/manifests/{tag}", auth=ADMIN).status_code == 202


def delete(client: TestClient, repo: str, reference: str) -> Any:
    return client.delete(artifact(repo, reference), auth=ADMIN)


def is_there(client: TestClient, repo: str, image: Pushed) -> bool:
    return client.get(artifact(repo, image.digest), auth=ADMIN).status_code == 200


def test_an_artifact_is_shown(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    shown = get(shared, artifact(repo, "1.0"))
    assert shown == get(shared, artifact(repo, image.digest))
    assert [shown] == get(shared, f"{repository(repo)}/artifacts")
    assert shown["push_time"].endswith("Z")
    (tag,) = shown["tags"]
    parent = get(shared, repository(repo))
    assert shown == {
        "id": tag["artifact_id"],
        "type": "IMAGE",
        "media_type": CONFIG,
        "manifest_media_type": OCI_MANIFEST,
        "artifact_type": CONFIG,
        "project_id": parent["project_id"],
        "repository_id": parent["id"],
        "repository_name": repo,
        "digest": image.digest,
        "size": len(image.raw) + sum(map(len, image.blobs)),
        "icon": "sha256:0048162a053eef4d4ce3fe7518615bef084403614f8bca43b40ae2e762e11e06",
        "push_time": shown["push_time"],
        "pull_time": NEVER,
        "extra_attrs": {
            "created": None,
            "architecture": "",
            "os": "",
            "config": {},
            "author": "",
        },
        "annotations": None,
        "references": None,
        "tags": [tag],
        "addition_links": {
            "build_history": {
                "href": f"{artifact(repo, image.digest)}/additions/build_history",
                "absolute": False,
            }
        },
        "labels": None,
        "accessories": None,
    }


def test_annotations_are_shown(shared: TestClient, repo: str) -> None:
    push_image(shared, repo, annotations={"a": "b"})
    assert get(shared, artifact(repo, "1.0"))["annotations"] == {"a": "b"}


def test_an_index_shows_what_it_lists(shared: TestClient, repo: str) -> None:
    child = push_image(shared, repo, "child")
    entry = descriptor(child.raw, OCI_MANIFEST)
    entry |= {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}
    index = push_index(shared, repo, "multi", manifests=[entry | {"annotations": {"a": "b"}}])
    shown = get(shared, artifact(repo, "multi"))
    assert shown["references"] == [
        {
            "parent_id": shown["id"],
            "child_id": get(shared, artifact(repo, "child"))["id"],
            "child_digest": child.digest,
            "platform": entry["platform"],
            "annotations": {"a": "b"},
            "urls": None,
        }
    ]
    assert (shown["type"], shown["digest"], shown["extra_attrs"]) == ("IMAGE", index.digest, None)


def test_lists_show_what_is_tagged_or_no_child_and_no_accessory(
    shared: TestClient, repo: str
) -> None:
    one, two = push_image(shared, repo, "one"), push_image(shared, repo, "two")
    index = push_index(shared, repo, "multi", one, two)
    signature = push_referrer(shared, repo, index, "application/vnd.cncf.notary.signature")
    assert digests(shared, repo) == [index.digest, two.digest, one.digest]
    untag(shared, repo, "two")
    assert digests(shared, repo) == [index.digest, one.digest]
    assert digests(shared, repo, q="base=*") == [index.digest, two.digest, one.digest]
    assert signature.digest not in digests(shared, repo, q="base=*")
    push_image(shared, repo, "one", annotations={"moved": "away"})
    assert one.digest not in digests(shared, repo)
    tags = f"{artifact(repo, two.digest)}/tags"
    assert shared.post(tags, json={"name": "two"}, auth=ADMIN).status_code == 201
    assert two.digest in digests(shared, repo)
    assert shared.delete(f"{tags}/two", auth=ADMIN).status_code == 200
    assert two.digest not in digests(shared, repo)


def test_a_tagged_child_is_a_plain_artifact_once_its_index_is_gone(
    shared: TestClient, repo: str
) -> None:
    child = push_image(shared, repo, "child")
    push_index(shared, repo, "multi", child)
    assert delete(shared, repo, "multi").status_code == 200
    untag(shared, repo, "child")
    assert digests(shared, repo) == [child.digest]


def test_what_becomes_an_accessory_leaves_the_list(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    layer = descriptor(image.blobs[1], "application/vnd.dev.cosign.simplesigning.v1+json")
    signature = push_image(shared, repo, "plain", layers=[layer])
    assert digests(shared, repo) == [signature.digest, image.digest]
    tag = image.digest.replace(":", "-") + ".sig"
    assert put_manifest(shared, repo, tag, signature.raw).status_code == 201
    assert digests(shared, repo) == [image.digest]


def three(client: TestClient, repo: str) -> list[str]:
    """Digests: without a tag, with the tag Beta and one more, with the tag stable."""
    found = [push_image(client, repo, tag).digest for tag in ("x", "Beta", "stable")]
    untag(client, repo, "x")
    body = {"name": "more"}
    client.post(f"{artifact(repo, 'Beta')}/tags", json=body, auth=ADMIN)
    return found


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("tags=*", [2, 1]),
        ("tags=nil", [0]),
        ("tags=Beta", [1]),
        ("tags=beta", []),
        ("tags=~Be", [1]),
        ("tags=~be", []),
        ("tags=~%", []),
        ("tags=~a", [2, 1]),
        ("type=IMAGE", [2, 1, 0]),
        ("type=CHART", []),
        ("type={IMAGE CHART}", [2, 1, 0]),
        (f"media_type={ASKED}", [2, 1, 0]),
        (f"media_type={CONFIG}", [2, 1, 0]),  # encoded once only
        ("media_type=x", []),
        ("push_time=[2020-01-01T00:00:00~]", [2, 1, 0]),
        ("push_time=[~2020-01-01T00:00:00]", []),
        ("pull_time=[~2020-01-01T00:00:00]", [2, 1, 0]),
        ("size=[1~]", [2, 1, 0]),
        ("repository_name=~app", [2, 1, 0]),
        ("repository_name=x", []),
        ("unknown=x", [2, 1, 0]),
        ("tags=*,type=CHART", []),
    ],
)
def test_q_selects(shared: TestClient, repo: str, q: str, found: list[int]) -> None:
    made = three(shared, repo)
    assert digests(shared, repo, q=q) == [made[number] for number in found]


def test_q_selects_by_digest(shared: TestClient, repo: str) -> None:
    made = three(shared, repo)
    assert digests(shared, repo, q=f"digest={made[1]}") == [made[1]]


def test_a_filter_of_tags_leaves_the_others_of_the_artifact(shared: TestClient, repo: str) -> None:
    three(shared, repo)
    (shown,) = get(shared, f"{repository(repo)}/artifacts", q="tags=Beta")
    assert [tag["name"] for tag in shown["tags"]] == ["more", "Beta"]


@pytest.mark.parametrize(
    "q",
    [
        "tags={a b}",
        "tags=(a b)",
        "tags=[a~b]",
        "base=x",
        "base=~*",
        "labels=1",
        "labels={1 2}",
        "labels=(a)",
        "labels=()",
        "labels=~1",
        "push_time=x",
        "tags",
        "tags=",
    ],
)
def test_what_q_cannot_be_is_refused(shared: TestClient, repo: str, q: str) -> None:
    push_image(shared, repo)
    answer = shared.get(f"{repository(repo)}/artifacts", params={"q": q}, auth=ADMIN)
    assert error_of(answer) == (400, "BAD_REQUEST")


def test_lists_are_sorted_paged_and_counted(shared: TestClient, repo: str) -> None:
    made = three(shared, repo)
    assert digests(shared, repo) == made[::-1]
    assert digests(shared, repo, sort="push_time") == made
    assert digests(shared, repo, sort="digest") == sorted(made)
    assert digests(shared, repo, page=2, page_size=2) == [made[0]]
    path = f"{repository(repo)}/artifacts"
    answer = shared.get(path, params={"page_size": 2}, auth=ADMIN)
    assert answer.headers["X-Total-Count"] == "3"
    assert (
        answer.headers["Link"].endswith('page=2>; rel="next"')
        or "page=2" in (answer.headers["Link"])
    )
    assert shared.get(path, params={"page_size": 101}, auth=ADMIN).status_code == 422


def test_whoever_was_pulled_is_sorted_after_who_was_not(shared: TestClient, repo: str) -> None:
    made = three(shared, repo)
    shared.get(f"/v2/{repo}/manifests/{made[1]}", auth=ADMIN)
    sorted_ = [made[0], made[2], made[1]]
    until(shared, lambda: digests(shared, repo, sort="pull_time,push_time"), sorted_)


def test_what_belongs_to_an_artifact_is_told_when_asked(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    push_referrer(shared, repo, image, "application/spdx+json")
    label_id = make_label(shared, f"label of {repo}")
    labels = f"{artifact(repo, '1.0')}/labels"
    assert shared.post(labels, json={"id": label_id}, auth=ADMIN).status_code == 200
    path = f"{repository(repo)}/artifacts"
    (usual,) = get(shared, path)
    assert [len(usual["tags"]), usual["labels"], len(usual["accessories"])] == [1, None, 1]
    asked = {"with_tag": "false", "with_label": "true", "with_accessory": "false"}
    for shown in (get(shared, path, **asked)[0], get(shared, artifact(repo, "1.0"), **asked)):
        assert (shown["tags"], shown["accessories"]) == (None, None)
        assert [label["id"] for label in shown["labels"]] == [label_id]


@pytest.mark.parametrize(
    "name", ["scan_overview", "sbom_overview", "immutable_status", "signature"]
)
def test_what_else_may_be_asked_is_understood(shared: TestClient, repo: str, name: str) -> None:
    push_image(shared, repo)
    for path in (f"{repository(repo)}/artifacts", artifact(repo, "1.0")):
        assert shared.get(path, params={f"with_{name}": "true"}, auth=ADMIN).status_code == 200
        assert shared.get(path, params={f"with_{name}": "x"}, auth=ADMIN).status_code == 422


def test_the_artifacts_of_a_repository_that_is_not_there(shared: TestClient, repo: str) -> None:
    answer = shared.get(f"{repository(repo)}/artifacts", auth=ADMIN)
    assert error_of(answer) == (404, "NOT_FOUND")


def test_deleting_takes_tags_labels_and_accessories(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    image = push_image(shared, repo)
    signature = push_referrer(shared, repo, image, "application/spdx+json")
    label_id = make_label(shared, f"label of {repo}")
    shared.post(f"{artifact(repo, '1.0')}/labels", json={"id": label_id}, auth=ADMIN)
    assert delete(shared, repo, "1.0").status_code == 200
    assert not is_there(shared, repo, image)
    assert not is_there(shared, repo, signature)
    carried = f"SELECT COUNT(*) FROM label_reference WHERE label_id = {label_id}"
    assert shared_rows(carried) == [(0,)]
    lines = f"SELECT operation FROM audit_tally WHERE resource = '{repo}@{image.digest}'"
    assert ("delete",) in shared_rows(lines)


def test_deleting_takes_children_that_nothing_else_needs(shared: TestClient, repo: str) -> None:
    tagged, shared_child, only = (push_image(shared, repo, tag) for tag in "abc")
    signature = push_referrer(shared, repo, only, "application/spdx+json")
    push_index(shared, repo, "one", tagged, shared_child, only)
    push_index(shared, repo, "two", shared_child)
    for tag in "bc":
        untag(shared, repo, tag)
    assert delete(shared, repo, "one").status_code == 200
    kept = [is_there(shared, repo, each) for each in (tagged, shared_child, only, signature)]
    assert kept == [True, True, False, False]
    assert delete(shared, repo, "two").status_code == 200
    assert not is_there(shared, repo, shared_child)


def test_deleting_takes_what_nested_indexes_list(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    inner = push_index(shared, repo, "inner", image)
    outer = {"manifests": [descriptor(inner.raw, "application/vnd.oci.image.index.v1+json")]}
    outer["manifests"].append(descriptor(image.raw, OCI_MANIFEST))
    push_index(shared, repo, "outer", **outer)
    for tag in ("inner", "1.0"):
        untag(shared, repo, tag)
    assert delete(shared, repo, "outer").status_code == 200
    assert not is_there(shared, repo, inner)
    assert not is_there(shared, repo, image)


def test_what_an_index_lists_is_not_deleted(shared: TestClient, repo: str) -> None:
    child = push_image(shared, repo)
    push_index(shared, repo, "multi", child)
    answer = delete(shared, repo, "1.0")
    assert error_of(answer) == (412, "VIOLATE_FOREIGN_KEY_CONSTRAINT")
    assert message_of(answer) == "the deleting artifact is referenced by others"
    assert is_there(shared, repo, child)


def test_deleting_gives_its_space_back(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    push_image(shared, repo)
    assert delete(shared, repo, "1.0").status_code == 200
    used = "SELECT q.used FROM quota q JOIN project p USING (project_id) WHERE p.name = "
    assert shared_rows(f"{used}'{project_of(repo)}'") == [(0,)]


def test_a_labels_filter_wants_all_of_them(shared: TestClient, repo: str) -> None:
    made = three(shared, repo)
    one, two = (make_label(shared, f"{n} of {repo}") for n in (1, 2))
    for digest, label_id in ((made[0], one), (made[1], one), (made[1], two)):
        labels = f"{artifact(repo, digest)}/labels"
        assert shared.post(labels, json={"id": label_id}, auth=ADMIN).status_code == 200
    assert digests(shared, repo, q=f"labels=({one})") == [made[1], made[0]]
    assert digests(shared, repo, q=f"labels=({one} {two})") == [made[1]]
    assert digests(shared, repo, q=f"labels=({one} {10**12})") == []


def test_the_artifacts_of_a_project(shared: TestClient, repo: str) -> None:
    project = f"{API}/projects/{project_of(repo)}/artifacts"
    old, new = push_image(shared, repo, "old"), push_image(shared, repo, "new")
    other = push_image(shared, f"{repo}/other")
    listed = get(shared, project)
    assert [each["digest"] for each in listed] == [other.digest, new.digest, old.digest]
    assert {each["repository_name"] for each in listed} == {repo, f"{repo}/other"}
    latest = get(shared, project, latest_in_repository="true", q=f"media_type={ASKED}")
    assert [each["digest"] for each in latest] == [other.digest, new.digest]


@pytest.mark.parametrize("q", ["", "type=IMAGE", "media_type=a,artifact_type=b"])
def test_the_latest_are_those_of_one_kind(shared: TestClient, repo: str, q: str) -> None:
    project = f"{API}/projects/{project_of(repo)}/artifacts"
    asked = {"latest_in_repository": "true", "q": q}
    assert error_of(shared.get(project, params=asked, auth=ADMIN)) == (400, "BAD_REQUEST")


def test_a_list_takes_as_many_statements_for_many_as_for_one(shared: TestClient, repo: str) -> None:
    building = shared.app
    assert isinstance(building, Building)
    told: list[str] = []

    def tell(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        told.append(statement)

    images = [push_image(shared, repo, str(number)) for number in range(3)]
    for number, image in enumerate(images):
        push_referrer(shared, repo, image, f"application/vnd.n{number}")
    path = f"{repository(repo)}/artifacts"
    engine = building.db.engine.sync_engine if POSTGRESQL else building.db._reader.sync_engine
    counts = []
    for page_size in (1, 3):
        event.listen(engine, "before_cursor_execute", tell)
        shown = get(shared, path, page_size=page_size, with_label="true")
        event.remove(engine, "before_cursor_execute", tell)
        assert len(shown) == page_size
        counts.append(len(told))
        told.clear()
    assert counts[0] == counts[1] > 0
