"""Immutable tags: on every road on which a tag could move or go."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact, get, repository
from tests.make import (
    ADMIN,
    descriptor,
    error_of,
    make_rule,
    manifest_of,
    message_of,
    push_blob,
    push_image,
    push_index,
    put_manifest,
    rule_of,
    sha256,
)
from tests.registry.servers import project_of

COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
REFUSED = (412, "PRECONDITION")


def kept(repo: str, tag: str) -> str:
    return f"Failed to process request due to '{repo}:{tag}' configured as immutable."


def test_an_immutable_tag_is_not_pushed_again(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "v1")
    other = push_image(shared, repo, "other")
    make_rule(shared, project_of(repo), rule_of(tags="v*"))
    for raw in (other.raw, image.raw):  # not even what it means already
        answer = put_manifest(shared, repo, "v1", raw)
        assert error_of(answer) == REFUSED
        assert message_of(answer) == kept(repo, "v1")
    assert get(shared, artifact(repo, "v1"))["digest"] == image.digest


def test_what_no_rule_is_about_is_pushed(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "v1")
    push_image(shared, repo, "latest")
    make_rule(shared, project_of(repo), rule_of(tags="v*"))
    for reference in ("v2", "latest", image.digest):
        assert put_manifest(shared, repo, reference, image.raw).status_code == 201
    push_image(shared, f"{project_of(repo)}/fresh", "v1")


@pytest.mark.parametrize(
    ("rule", "is_kept"),
    [
        (rule_of("app"), True),
        (rule_of("**"), True),
        (rule_of("", ""), True),
        (rule_of("*/app"), False),  # the pattern is about the name without the project
        (rule_of("other"), False),
        (rule_of(tags="{v1,v2}"), True),
        (rule_of(tags="V1"), False),
        (rule_of(disabled=True), False),
        (rule_of(tag_selectors=[{"decoration": "excludes", "pattern": "dev*"}]), True),
        (rule_of(tag_selectors=[{"decoration": "excludes", "pattern": "v*"}]), False),
        (
            rule_of(
                scope_selectors={"repository": [{"decoration": "repoExcludes", "pattern": "app"}]}
            ),
            False,
        ),
        (
            rule_of(
                tag_selectors=[
                    {"decoration": "matches", "pattern": "x"},
                    {"decoration": "matches", "pattern": "v1"},
                ]
            ),
            False,  # only the first selector counts
        ),
    ],
)
def test_a_rule_is_about_what_its_selectors_choose(
    shared: TestClient, repo: str, rule: dict[str, Any], is_kept: bool
) -> None:
    image = push_image(shared, repo, "v1")
    make_rule(shared, project_of(repo), rule)
    pushed = put_manifest(shared, repo, "v1", image.raw)
    assert pushed.status_code == (412 if is_kept else 201)
    for path in (artifact(repo, "v1"), f"{artifact(repo, 'v1')}/tags"):
        found = get(shared, path, with_immutable_status=True)
        tags = found["tags"] if isinstance(found, dict) else found
        assert [tag["immutable"] for tag in tags] == [is_kept]


def test_one_of_several_rules_is_enough(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "v1")
    for name in ("a", "app", "b"):
        make_rule(shared, project_of(repo), rule_of(name))
    assert error_of(put_manifest(shared, repo, "v1", image.raw)) == REFUSED


def test_rules_of_other_projects_do_not_count(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "v1")
    make_rule(shared, "library", rule_of("nothing/**"))
    assert put_manifest(shared, repo, "v1", image.raw).status_code == 201
    assert shared.delete(artifact(repo, "v1"), auth=ADMIN).status_code == 200


def test_an_immutable_tag_is_not_deleted(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "v1")
    put_manifest(shared, repo, "latest", image.raw)
    make_rule(shared, project_of(repo), rule_of(tags="v*"))
    roads = [
        f"{artifact(repo, image.digest)}/tags/v1",
        artifact(repo, "latest"),
        artifact(repo, image.digest),
        repository(repo),
        f"/v2/{repo}/manifests/v1",
        f"/v2/{repo}/manifests/{image.digest}",
    ]
    for road in roads:
        answer = shared.delete(road, auth=ADMIN)
        assert error_of(answer) == REFUSED, road
        assert message_of(answer) == "the tag v1 configured as immutable, cannot be deleted"
    gone = shared.delete(f"{artifact(repo, 'v1')}/tags/latest", auth=ADMIN)
    assert gone.status_code == 200
    assert [tag["name"] for tag in get(shared, artifact(repo, "v1"))["tags"]] == ["v1"]


def test_an_immutable_tag_cannot_be_attached_elsewhere(shared: TestClient, repo: str) -> None:
    push_image(shared, repo, "v1")
    push_image(shared, repo, "v2")
    make_rule(shared, project_of(repo), rule_of(tags="v*"))
    tags = f"{artifact(repo, 'v2')}/tags"
    assert error_of(shared.post(tags, json={"name": "v1"}, auth=ADMIN)) == (409, "CONFLICT")
    assert shared.post(tags, json={"name": "v3"}, auth=ADMIN).status_code == 201


def test_a_tagged_child_goes_with_no_index(shared: TestClient, repo: str) -> None:
    child = push_image(shared, repo, "v1")
    index = push_index(shared, repo, "multi", child)
    make_rule(shared, project_of(repo), rule_of(tags="v*"))
    assert shared.delete(artifact(repo, index.digest), auth=ADMIN).status_code == 200
    assert get(shared, artifact(repo, "v1"))["digest"] == child.digest


def test_an_accessory_with_an_immutable_tag_keeps_its_subject(
    shared: TestClient, repo: str
) -> None:
    image = push_image(shared, repo, "latest")
    tag = f"{image.digest.replace(':', '-')}.sig"
    for data in (b"{}", b"signature"):
        push_blob(shared, repo, data)
    signature = manifest_of(b"{}") | {"layers": [descriptor(b"signature", COSIGN_LAYER)]}
    assert put_manifest(shared, repo, tag, signature).status_code == 201
    make_rule(shared, project_of(repo), rule_of(tags="sha256-*"))
    answer = shared.delete(artifact(repo, "latest"), auth=ADMIN)
    assert error_of(answer) == REFUSED
    assert tag in message_of(answer)


def test_a_rule_that_goes_frees_its_tags(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "v1")
    project = project_of(repo)
    rule_id = make_rule(shared, project, rule_of())
    path = f"/api/v2.0/projects/{project}/immutabletagrules/{rule_id}"
    assert shared.delete(path, auth=ADMIN).status_code == 200
    assert put_manifest(shared, repo, "v1", image.raw).status_code == 201
    assert shared.delete(repository(repo), auth=ADMIN).status_code == 200


def test_lists_say_which_tags_are_immutable(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "v1")
    for tag in ("latest", "v2"):
        put_manifest(shared, repo, tag, image.raw)
    make_rule(shared, project_of(repo), rule_of(tags="v*"))
    whole = f"/api/v2.0/projects/{project_of(repo)}/artifacts"
    for path in (f"{repository(repo)}/artifacts", whole):
        for asked, expected in ((True, {"v1", "v2"}), (False, set())):
            (found,) = get(shared, path, with_immutable_status=asked)
            assert {tag["name"] for tag in found["tags"] if tag["immutable"]} == expected
        (without,) = get(shared, path, with_immutable_status=True, with_tag=False)
        assert without["tags"] is None


def test_a_refused_push_leaves_nothing_new(shared: TestClient, repo: str) -> None:
    push_image(shared, repo, "v1")
    make_rule(shared, project_of(repo), rule_of(tags="v*"))
    raw = push_image(shared, f"{project_of(repo)}/other", "v1").raw
    assert error_of(put_manifest(shared, repo, "v1", raw)) == REFUSED
    missing = shared.get(artifact(repo, sha256(raw)), auth=ADMIN)
    assert error_of(missing) == (404, "NOT_FOUND")
