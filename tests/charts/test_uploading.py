"""What is uploaded becomes what ``helm push`` would have made of it."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.charts.packing import (
    CONFIG,
    CONTENT,
    PROV,
    api,
    chart,
    index,
    listed,
    signed,
    upload,
    uploaded,
)
from tests.make import ADMIN, API, OCI_MANIFEST, error_of, message_of, push_image, sha256
from tests.registry.servers import Rows, project_of


def manifest(client: TestClient, repo: str, tag: str) -> Any:
    answer = client.get(f"/v2/{repo}/manifests/{tag}", auth=ADMIN)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == OCI_MANIFEST
    return answer.json()


def test_an_upload_is_an_artifact(shared: TestClient, repo: str) -> None:
    raw = uploaded(shared, repo, "1.2.3", description="<all> & sundry", appVersion="7")
    found = manifest(shared, repo, "1.2.3")
    assert found["config"]["mediaType"] == CONFIG
    assert [each["mediaType"] for each in found["layers"]] == [CONTENT]
    assert found["layers"][0]["digest"] == sha256(raw)
    assert found["annotations"]["org.opencontainers.image.title"] == repo.rpartition("/")[2]
    config = shared.get(f"/v2/{repo}/blobs/{found['config']['digest']}", auth=ADMIN)
    name = repo.rpartition("/")[2]
    assert config.text == (
        f'{{"name":"{name}","version":"1.2.3","description":"\\u003call\\u003e \\u0026 sundry",'
        '"apiVersion":"v2","appVersion":"7"}'
    )


def test_an_upload_is_shown_as_a_chart(shared: TestClient, repo: str) -> None:
    uploaded(shared, repo, "1.2.3", icon="https://example.com/icon.png")
    project, _, name = repo.partition("/")
    path = f"{API}/projects/{project}/repositories/{name}/artifacts/1.2.3"
    found = shared.get(path, auth=ADMIN).json()
    assert found["type"] == "CHART"
    assert found["extra_attrs"]["icon"] == "https://example.com/icon.png"


def test_a_plus_is_an_underscore_in_the_tag(shared: TestClient, repo: str) -> None:
    raw = uploaded(shared, repo, "1.2.3-rc.1+build.7")
    assert manifest(shared, repo, "1.2.3-rc.1_build.7")["layers"][0]["digest"] == sha256(raw)
    assert listed(shared, repo) == ["1.2.3-rc.1+build.7"]
    (entry,) = index(shared, repo)["entries"][repo.partition("/")[2]]
    path = f"/chartrepo/{project_of(repo)}/{entry['urls'][0]}"
    assert shared.get(path, auth=ADMIN).content == raw


def test_a_chart_may_be_the_whole_body(shared: TestClient, repo: str) -> None:
    raw = chart(repo.rpartition("/")[2], "1.0.0")
    answer = shared.post(api(repo), content=raw, auth=ADMIN)
    assert (answer.status_code, answer.json()) == (201, {"saved": True})
    assert listed(shared, repo) == ["1.0.0"]


def test_a_version_is_not_replaced(shared: TestClient, repo: str) -> None:
    raw = uploaded(shared, repo, "1.0.0")
    name = repo.rpartition("/")[2]
    other = chart(name, "1.0.0", description="another")
    assert error_of(upload(shared, repo, other)) == (409, "CONFLICT")
    assert error_of(upload(shared, repo, raw)) == (409, "CONFLICT")
    assert (
        shared.get(f"/chartrepo/{project_of(repo)}/charts/{name}-1.0.0.tgz", auth=ADMIN).content
        == raw
    )


def test_a_version_is_replaced_by_force(shared: TestClient, repo: str) -> None:
    uploaded(shared, repo, "1.0.0")
    name = repo.rpartition("/")[2]
    other = chart(name, "1.0.0", description="another")
    assert upload(shared, repo, other, path=f"{api(repo)}?force").status_code == 201
    assert (
        shared.get(f"/chartrepo/{project_of(repo)}/charts/{name}-1.0.0.tgz", auth=ADMIN).content
        == other
    )
    (entry,) = index(shared, repo)["entries"][name]
    assert (entry["description"], "sha256:" + entry["digest"]) == ("another", sha256(other))


def test_a_tag_that_is_no_chart_is_not_replaced_either(shared: TestClient, repo: str) -> None:
    push_image(shared, repo, "1.0.0")
    raw = chart(repo.rpartition("/")[2], "1.0.0")
    assert error_of(upload(shared, repo, raw)) == (409, "CONFLICT")


def test_the_signature_comes_along(shared: TestClient, repo: str) -> None:
    name = repo.rpartition("/")[2]
    raw = chart(name, "1.0.0")
    prov = signed(name, "1.0.0", sha256(raw))
    assert upload(shared, repo, raw, prov=prov).status_code == 201
    layers = {
        each["mediaType"]: each["digest"] for each in manifest(shared, repo, "1.0.0")["layers"]
    }
    assert layers == {CONTENT: sha256(raw), PROV: sha256(prov)}
    for ending in (".tgz.prov", ".prov"):
        path = f"/chartrepo/{project_of(repo)}/charts/{name}-1.0.0{ending}"
        assert shared.get(path, auth=ADMIN).content == prov


def test_the_signature_comes_later(shared: TestClient, repo: str) -> None:
    name = repo.rpartition("/")[2]
    raw = uploaded(shared, repo, "1.0.0")
    prov = signed(name, "1.0.0", sha256(raw))
    there = f"/api/chartrepo/{project_of(repo)}/prov"
    assert (
        error_of(
            shared.get(f"/chartrepo/{project_of(repo)}/charts/{name}-1.0.0.tgz.prov", auth=ADMIN)
        )[0]
        == 404
    )
    before = manifest(shared, repo, "1.0.0")
    answer = upload(shared, repo, None, prov=prov, path=there)
    assert (answer.status_code, answer.json()) == (201, {"saved": True}), answer.text
    found = manifest(shared, repo, "1.0.0")
    assert {each["mediaType"]: each["digest"] for each in found["layers"]} == {
        CONTENT: sha256(raw),
        PROV: sha256(prov),
    }
    assert (found["config"], found["annotations"]) == (before["config"], before["annotations"])
    other = signed(name, "1.0.0", sha256(raw), description="again")
    assert error_of(upload(shared, repo, None, prov=other, path=there)) == (409, "CONFLICT")
    assert upload(shared, repo, None, prov=other, path=f"{there}?force").status_code == 201


def test_a_signature_needs_its_chart(shared: TestClient, repo: str) -> None:
    name = repo.rpartition("/")[2]
    there = f"/api/chartrepo/{project_of(repo)}/prov"
    prov = signed(name, "1.0.0", sha256(b"x"))
    assert error_of(upload(shared, repo, None, prov=prov, path=there)) == (404, "NOT_FOUND")
    assert error_of(upload(shared, repo, None, prov=prov)) == (400, "BAD_REQUEST")
    uploaded(shared, repo, "1.0.0")
    refused = upload(shared, repo, None, prov=prov, path=there)
    assert error_of(refused) == (400, "BAD_REQUEST")
    assert "not of" in message_of(refused)


@pytest.mark.parametrize("other", ["name", "version", "digest"])
def test_a_signature_of_another_chart_is_refused(shared: TestClient, repo: str, other: str) -> None:
    name = repo.rpartition("/")[2]
    raw = chart(name, "1.0.0")
    about = {"name": name, "version": "1.0.0", "digest": sha256(raw)}
    about[other] = {"name": "else", "version": "2.0.0", "digest": sha256(b"")}[other]
    assert error_of(upload(shared, repo, raw, prov=signed(**about))) == (400, "BAD_REQUEST")
    assert listed(shared, repo) == []


def test_uploads_are_audited(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    uploaded(shared, repo, "1.0.0")
    upload(shared, repo, b"no chart")
    lines = shared_rows(
        "SELECT operation, resource_type, resource, operation_result FROM audit_log_ext "
        f"WHERE resource LIKE '{project_of(repo)}%' ORDER BY id"
    )
    assert ("create", "artifact", f"{repo}:1.0.0") in [line[:3] for line in lines]
    failed = [line for line in lines if not line[3]]
    assert [line[:3] for line in failed] == [("create", "artifact", project_of(repo))]


def test_uploads_are_charged_once(shared: TestClient, repo: str) -> None:
    def used() -> int:
        project = shared.get(f"{API}/projects/{project_of(repo)}/summary", auth=ADMIN).json()
        return int(project["quota"]["used"]["storage"])

    raw = uploaded(shared, repo, "1.0.0")
    found = manifest(shared, repo, "1.0.0")
    response = shared.get(f"/v2/{repo}/manifests/1.0.0", auth=ADMIN)
    assert used() == len(raw) + found["config"]["size"] + len(response.content)
    shared.delete(api(repo, repo.rpartition("/")[2], "1.0.0"), auth=ADMIN)
    assert used() == 0


def test_a_full_project_keeps_nothing(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    project = shared.get(f"{API}/projects/{project_of(repo)}", auth=ADMIN).json()
    name = repo.rpartition("/")[2]
    raw = chart(name, "1.0.0")
    quotas = shared.get(
        f"{API}/quotas",
        params={"reference": "project", "reference_id": project["project_id"]},
        auth=ADMIN,
    ).json()
    # The archive and the config fit, the manifest does not.
    limit = {"hard": {"storage": len(raw) + 100}}
    assert shared.put(f"{API}/quotas/{quotas[0]['id']}", json=limit, auth=ADMIN).status_code == 200
    assert error_of(upload(shared, repo, raw)) == (403, "DENIED")
    held = shared_rows(f"SELECT count(*) FROM repository_blob WHERE repository = '{repo}'")
    assert held == [(0,)]


def test_the_first_form_of_charts_is_taken(shared: TestClient, repo: str) -> None:
    name = repo.rpartition("/")[2]
    needs = b"dependencies:\n- name: redis\n  version: 1.x\n  repository: https://example.com\n"
    raw = chart(name, "1.0.0", {"requirements.yaml": needs}, apiVersion="v1")
    assert upload(shared, repo, raw).status_code == 201
    (entry,) = index(shared, repo)["entries"][name]
    assert entry["dependencies"] == [
        {"name": "redis", "version": "1.x", "repository": "https://example.com"}
    ]
    assert json.dumps(entry)
