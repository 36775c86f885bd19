"""Indexes are kept, made of what has changed only, and forgotten when they take too much."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.charts.service import index as indexes
from harbor.charts.service.index import Index
from tests.charts.packing import chart, index, listed, pushed, upload, uploaded
from tests.make import ADMIN, API, make_project, push_image
from tests.registry.servers import in_server, project_of


def kept(client: TestClient, project: str) -> Index:
    """The index of a project, as the process remembers it."""
    building = client.app
    assert isinstance(building, Building)
    found = client.get(f"{API}/projects/{project}", auth=ADMIN).json()["project_id"]
    made: Index = in_server(client, building.charts.indexes.of_project, found)
    return made


def entries(found: Index, name: str) -> dict[str, Any]:
    return {each.version: each for each in found.by_name[name].listed}


def test_what_has_not_changed_is_not_made_again(shared: TestClient, repo: str) -> None:
    project = project_of(repo)
    for name in ("app", "other"):
        for version in ("1.0.0", "2.0.0"):
            uploaded(shared, f"{project}/{name}", version)
    before = kept(shared, project)
    push_image(shared, f"{project}/image")
    assert kept(shared, project).raw is before.raw
    uploaded(shared, f"{project}/app", "3.0.0")
    after = kept(shared, project)
    assert after.by_name["other"] is before.by_name["other"]
    old, new = entries(before, "app"), entries(after, "app")
    assert set(new) - set(old) == {"3.0.0"}
    assert all(new[version] is old[version] for version in old)


def test_a_version_that_is_replaced_is_the_only_one_made_again(
    shared: TestClient, repo: str
) -> None:
    project = project_of(repo)
    for version in ("1.0.0", "2.0.0"):
        uploaded(shared, repo, version)
    before = entries(kept(shared, project), "app")
    raw = chart("app", "1.0.0", description="another")
    upload(shared, repo, raw, path=f"/api/chartrepo/{project}/charts?force=true")
    after = entries(kept(shared, project), "app")
    assert after["2.0.0"] is before["2.0.0"]
    assert b"another" in after["1.0.0"].raw


def test_many_versions_are_read_in_parts(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MANY", "SOME", "FEW"):
        monkeypatch.setattr(indexes, name, 2)
    project = project_of(repo)
    versions = [f"1.{n}.0" for n in range(7)]
    for version in versions:
        pushed(shared, repo, version)
    for name in ("a", "b", "c", "d"):
        pushed(shared, f"{project}/{name}", "1.0.0")
    assert listed(shared, repo) == versions[::-1]
    assert set(index(shared, repo)["entries"]) == {"app", "a", "b", "c", "d"}


def test_too_much_is_forgotten(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    building = shared.app
    assert isinstance(building, Building)
    uploaded(shared, repo, "1.0.0")
    first = kept(shared, project_of(repo))
    monkeypatch.setattr(indexes, "MAX_BYTES", first.nbytes + 10)
    other = f"{project_of(repo)}-other"
    make_project(shared, other)
    uploaded(shared, f"{other}/app", "1.0.0")
    kept(shared, other)
    assert sum(each.nbytes for each in building.charts.indexes._kept.values()) <= first.nbytes + 10
    again = kept(shared, project_of(repo))
    assert again is not first
    assert again.raw == first.raw
    monkeypatch.setattr(indexes, "MAX_BYTES", 1)
    uploaded(shared, repo, "1.1.0")
    assert listed(shared, repo) == ["1.1.0", "1.0.0"]
    assert not building.charts.indexes._kept


def test_a_large_index_says_less_of_each(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "MAX_INDEX", 1000)
    monkeypatch.setattr(indexes, "SOME", 1)
    for n in range(4):
        pushed(shared, repo, f"1.{n}.0", description="x" * 300)
    said = [each.get("description") for each in index(shared, repo)["entries"]["app"]]
    assert None in said
    assert "x" * 300 in said
    assert listed(shared, repo) == ["1.3.0", "1.2.0", "1.1.0", "1.0.0"]
