"""The API of charts, as Harbor 1.10 and ChartMuseum have it."""

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact, make_label
from tests.charts.packing import api, chart, listed, pushed, signed, upload, uploaded
from tests.make import ADMIN, error_of, push_image, sha256
from tests.registry.servers import Rows


def test_it_is_well(shared: TestClient) -> None:
    answer = shared.get("/api/chartrepo/health")
    assert (answer.status_code, answer.json()) == (200, {"healthy": True})


def test_charts_are_listed_with_their_latest_version(shared: TestClient, repo: str) -> None:
    uploaded(shared, repo, "1.0.0", icon="old")
    uploaded(shared, repo, "2.0.0", icon="new", home="https://example.com", deprecated=True)
    other = repo.replace("/app", "/also")
    uploaded(shared, other, "0.1.0")
    also, app = shared.get(api(repo), auth=ADMIN).json()
    assert (also["name"], also["total_versions"], also["deprecated"]) == ("also", 1, False)
    created, updated = app.pop("created"), app.pop("updated")
    assert created < updated
    assert app == {
        "name": "app",
        "total_versions": 2,
        "latest_version": "2.0.0",
        "icon": "new",
        "home": "https://example.com",
        "deprecated": True,
    }


def test_versions_are_listed_with_labels(shared: TestClient, repo: str) -> None:
    raw = uploaded(shared, repo, "1.0.0")
    uploaded(shared, repo, "1.1.0")
    label = make_label(shared, repo)
    path = f"{artifact(repo, '1.0.0')}/labels"
    assert shared.post(path, json={"id": label}, auth=ADMIN).status_code == 200
    newer, older = shared.get(api(repo, "app"), auth=ADMIN).json()
    assert (newer["version"], newer["labels"]) == ("1.1.0", [])
    assert [each["name"] for each in older["labels"]] == [repo]
    assert older["digest"] == sha256(raw).removeprefix("sha256:")
    assert older["urls"] == ["charts/app-1.0.0.tgz"]
    assert older["removed"] is False
    assert older["created"] < newer["created"]


def test_a_version_is_shown_with_what_is_in_it(shared: TestClient, repo: str) -> None:
    values = b"image:\n  tag: '1'\n  ports: [80, 81]\nwhen: 2020-01-01\nnone:\n"
    files = {"values.yaml": values, "README.md": "# Héllo".encode(), "templates/a.yaml": b"a: 1"}
    needs = [{"name": "redis", "version": "1.x", "repository": "https://example.com"}]
    raw = chart("app", "1.0.0", files, dependencies=needs)
    prov = signed("app", "1.0.0", sha256(raw))
    assert upload(shared, repo, raw, prov=prov).status_code == 201
    found = shared.get(api(repo, "app", "1.0.0"), auth=ADMIN).json()
    assert found["metadata"]["version"] == "1.0.0"
    assert found["dependencies"] == needs
    assert found["values"] == {
        "image.tag": "1",
        "image.ports": [80, 81],
        "when": "2020-01-01",
        "none": None,
    }
    assert found["files"] == {"values.yaml": values.decode(), "README.md": "# Héllo"}
    assert found["security"] == {"signature": {"signed": True, "prov_file": prov.decode()}}
    assert found["labels"] == []


VALUES = {
    "bomb": b"a: &a [x]\nb: *a\n",
    "deep": b"[" * 100_000,
    "deep blocks": b"- " * 100_000,
    "wrong tags": b"a: !!bool maybe\nb: !!int ''\n",
    "programs": b"!!python/object/apply:os.system ['true']",
    "odd keys": b"? [a]\n: 1\n",
    "bytes": b"\xff\xfe\x00",
    "large": b"a: b\n" * 100_000,
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_values_that_cannot_be_read_are_left_out(
    shared: TestClient, repo: str, values: bytes
) -> None:
    assert upload(shared, repo, chart("app", "1.0.0", {"values.yaml": values})).status_code == 201
    answer = shared.get(api(repo, "app", "1.0.0"), auth=ADMIN)
    assert (answer.status_code, answer.json()["values"]) == (200, {})


def test_an_archive_that_is_none_shows_nothing(shared: TestClient, repo: str) -> None:
    pushed(shared, repo, "1.0.0", b"no archive")
    found = shared.get(api(repo, "app", "1.0.0"), auth=ADMIN).json()
    assert (found["values"], found["files"]) == ({}, {})
    assert found["security"] == {"signature": {"signed": False, "prov_file": ""}}


@pytest.mark.parametrize(
    "path", [("other",), ("app", "2.0.0"), ("app", "latest"), ("other", "1.0.0")]
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_not_there(
    shared: TestClient, repo: str, method: str, path: tuple[str, ...]
) -> None:
    uploaded(shared, repo, "1.0.0")
    assert error_of(shared.request(method, api(repo, *path), auth=ADMIN)) == (404, "NOT_FOUND")
    assert listed(shared, repo) == ["1.0.0"]


def test_a_version_is_deleted(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    raw = uploaded(shared, repo, "1.0.0")
    uploaded(shared, repo, "1.1.0+b")
    answer = shared.delete(api(repo, "app", "1.0.0"), auth=ADMIN)
    assert (answer.status_code, answer.json()) == (200, {"deleted": True})
    assert listed(shared, repo) == ["1.1.0+b"]
    assert shared.get(f"/v2/{repo}/manifests/1.0.0", auth=ADMIN).status_code == 404
    assert shared.get(f"/v2/{repo}/blobs/{sha256(raw)}", auth=ADMIN).status_code == 404
    line = f"SELECT operation, resource_type FROM audit_log_ext WHERE resource = '{repo}:1.0.0'"
    assert ("delete", "artifact") in shared_rows(line)
    assert shared.delete(api(repo, "app", "1.1.0+b"), auth=ADMIN).status_code == 200
    assert listed(shared, repo) == []


def test_another_tag_keeps_the_artifact(shared: TestClient, repo: str) -> None:
    digest = pushed(shared, repo, "1.0.0")
    shared.post(f"{artifact(repo, digest)}/tags", json={"name": "stable"}, auth=ADMIN)
    assert shared.delete(api(repo, "app", "1.0.0"), auth=ADMIN).status_code == 200
    assert shared.get(f"/v2/{repo}/manifests/stable", auth=ADMIN).status_code == 200
    assert listed(shared, repo) == []


def test_a_chart_is_deleted_with_its_repository(shared: TestClient, repo: str) -> None:
    for version in ("1.0.0", "1.1.0"):
        uploaded(shared, repo, version)
    answer = shared.delete(api(repo, "app"), auth=ADMIN)
    assert (answer.status_code, answer.json()) == (200, {"deleted": True})
    assert shared.get(f"/v2/{repo}/tags/list", auth=ADMIN).status_code == 404
    assert listed(shared, repo) == []


def test_what_is_no_chart_stays(shared: TestClient, repo: str) -> None:
    for version in ("1.0.0", "1.1.0"):
        uploaded(shared, repo, version)
    push_image(shared, repo, "image")
    assert shared.delete(api(repo, "app"), auth=ADMIN).status_code == 200
    assert shared.get(f"/v2/{repo}/tags/list", auth=ADMIN).json()["tags"] == ["image"]


def test_a_chart_in_a_folder(shared: TestClient, repo: str) -> None:
    deep = f"{repo}/deep"
    pushed(shared, deep, "1.0.0")
    name = "app%252Fdeep"
    assert [each["name"] for each in shared.get(api(repo), auth=ADMIN).json()] == ["app/deep"]
    assert shared.get(api(repo, name), auth=ADMIN).json()[0]["version"] == "1.0.0"
    found = shared.get(api(repo, name, "1.0.0"), auth=ADMIN)
    assert found.json()["metadata"]["name"] == "deep"
    assert shared.delete(api(repo, name, "1.0.0"), auth=ADMIN).status_code == 200
