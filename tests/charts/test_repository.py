"""What helm reads: indexes and archives, for those who may."""

import json
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from harbor.artifacts.models import Artifact
from tests.artifacts.rest import artifact, repository
from tests.charts.packing import (
    CONFIG,
    CONTENT,
    api,
    chart,
    index,
    listed,
    pushed,
    signed,
    upload,
    uploaded,
)
from tests.conftest import Start
from tests.make import (
    ADMIN,
    API,
    OCI_MANIFEST,
    add_member,
    descriptor,
    error_of,
    make_project,
    make_user,
    push_blob,
    push_image,
    put_manifest,
    sha256,
)
from tests.registry.servers import Change, Rows, project_of, until

WRONG = ("admin", "wrong")


def file(repo: str, version: str, ending: str = ".tgz") -> str:
    project, _, name = repo.partition("/")
    return f"/chartrepo/{project}/charts/{name}-{version}{ending}"


class TestTheIndex:
    def test_names_each_version(self, shared: TestClient, repo: str) -> None:
        raw = uploaded(shared, repo, "1.0.0", description="what it is", keywords=["a", "b"])
        name = repo.rpartition("/")[2]
        found = index(shared, repo)
        (entry,) = found["entries"].pop(name)
        assert found["apiVersion"] == "v1"
        assert found["generated"] >= entry["created"]
        created = entry.pop("created")
        assert created.endswith("Z")
        assert entry == {
            "name": name,
            "version": "1.0.0",
            "description": "what it is",
            "keywords": ["a", "b"],
            "apiVersion": "v2",
            "urls": [f"charts/{name}-1.0.0.tgz"],
            "digest": sha256(raw).removeprefix("sha256:"),
        }

    def test_has_the_latest_version_first(self, shared: TestClient, repo: str) -> None:
        for version in (
            "1.0.0",
            "1.10.0",
            "1.9.0",
            "v2.0.0",
            "2.0.0-rc.10",
            "2.0.0-rc.2",
            "2.0.0-rc",
        ):
            uploaded(shared, repo, version)
        assert listed(shared, repo) == [
            "v2.0.0", "2.0.0-rc.10", "2.0.0-rc.2", "2.0.0-rc", "1.10.0", "1.9.0", "1.0.0",
        ]  # fmt: skip

    def test_is_empty_without_charts(self, shared: TestClient, repo: str) -> None:
        push_image(shared, repo)
        found = index(shared, repo)
        assert found == {"apiVersion": "v1", "entries": {}, "generated": "0001-01-01T00:00:00.000Z"}

    def test_says_what_helm_pushed(self, shared: TestClient, repo: str) -> None:
        pushed(shared, repo, "1.0.0_b", raw := b"an archive", description="pushed")
        (entry,) = index(shared, repo)["entries"][repo.partition("/")[2]]
        assert (entry["version"], entry["description"]) == ("1.0.0+b", "pushed")
        assert shared.get(file(repo, "1.0.0+b"), auth=ADMIN).content == raw

    def test_follows_every_change(self, shared: TestClient, repo: str) -> None:
        digest = pushed(shared, repo, "1.0.0")
        assert listed(shared, repo) == ["1.0.0"]
        pushed(shared, repo, "1.1.0", b"second")
        assert listed(shared, repo) == ["1.1.0", "1.0.0"]
        shared.delete(f"/v2/{repo}/manifests/1.1.0", auth=ADMIN)
        assert listed(shared, repo) == ["1.0.0"]
        # The config says 1.0.0, so a tag that says otherwise is not listed.
        body = {"name": "3.0.0"}
        assert (
            shared.post(f"{artifact(repo, '1.0.0')}/tags", json=body, auth=ADMIN).status_code == 201
        )
        assert listed(shared, repo) == ["1.0.0"]
        shared.delete(f"/v2/{repo}/manifests/{digest}", auth=ADMIN)
        assert listed(shared, repo) == []
        pushed(shared, repo, "1.0.0")
        assert listed(shared, repo) == ["1.0.0"]
        assert shared.delete(repository(repo), auth=ADMIN).status_code == 200
        assert listed(shared, repo) == []

    def test_takes_no_repository_for_one_that_is_gone(self, shared: TestClient, repo: str) -> None:
        """SQLite gives the id of the last row again."""
        for name in ("one", "two"):
            other = f"{project_of(repo)}/{name}"
            uploaded(shared, other, "1.0.0")
            assert set(index(shared, repo)["entries"]) == {name}
            assert shared.delete(repository(other), auth=ADMIN).status_code == 200

    def test_follows_what_is_found_out_after_an_upgrade(
        self, shared: TestClient, repo: str, shared_change: Change
    ) -> None:
        digest = pushed(shared, repo, "1.0.0")
        pushed(shared, repo, "1.1.0", b"second")
        for kind, versions in (("UNKNOWN", ["1.1.0"]), ("CHART", ["1.1.0", "1.0.0"])):
            shared_change(update(Artifact).where(Artifact.digest == digest).values(type=kind))
            assert listed(shared, repo) == versions

    def test_follows_a_tag_that_moves(self, shared: TestClient, repo: str) -> None:
        for raw in (b"one", b"two"):
            pushed(shared, repo, "1.0.0", raw)
            (entry,) = index(shared, repo)["entries"][repo.partition("/")[2]]
            assert "sha256:" + entry["digest"] == sha256(raw)

    def test_lists_only_tags_that_are_versions(self, shared: TestClient, repo: str) -> None:
        for tag in ("latest", "1.0", "01.0.0", "1.0.0-01", "1.0.0"):
            pushed(shared, repo, tag, version=tag)
        assert listed(shared, repo) == ["1.0.0"]

    def test_names_a_chart_in_a_folder(self, shared: TestClient, repo: str) -> None:
        deep = f"{repo}/sub/deep"
        pushed(shared, deep, "1.0.0", raw := b"deep inside")
        (entry,) = index(shared, deep)["entries"][deep.partition("/")[2]]
        assert entry["name"] == "deep"
        assert entry["urls"][0].endswith("/deep-1.0.0.tgz")
        path = f"/chartrepo/{project_of(repo)}/{entry['urls'][0]}"
        assert shared.get(path, auth=ADMIN).content == raw

    def test_is_not_sent_again(self, shared: TestClient, repo: str) -> None:
        uploaded(shared, repo, "1.0.0")
        path = f"/chartrepo/{project_of(repo)}/index.yaml"
        first = shared.get(path, auth=ADMIN)
        assert first.headers["Content-Type"].startswith("application/x-yaml")
        known = {"If-None-Match": first.headers["ETag"]}
        again = shared.get(path, auth=ADMIN, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        push_image(shared, f"{project_of(repo)}/other")  # no chart
        assert shared.get(path, auth=ADMIN, headers=known).status_code == 304
        uploaded(shared, repo, "1.0.1")
        newer = shared.get(path, auth=ADMIN, headers=known)
        assert newer.status_code == 200
        assert newer.headers["ETag"] != first.headers["ETag"]

    def test_a_project_made_anew_inherits_nothing(self, shared: TestClient, repo: str) -> None:
        project = project_of(repo)
        uploaded(shared, repo, "1.0.0")
        assert listed(shared, repo) == ["1.0.0"]
        assert shared.delete(repository(repo), auth=ADMIN).status_code == 200
        assert shared.delete(f"{API}/projects/{project}", auth=ADMIN).status_code == 200
        gone = shared.get(f"/chartrepo/{project}/index.yaml", auth=ADMIN)
        assert error_of(gone) == (404, "NOT_FOUND")
        make_project(shared, project)
        assert listed(shared, repo) == []


LIES: list[dict[str, Any]] = [
    {"name": "another"},
    {"version": "9.9.9"},
    {"name": ["app"]},
    {"name": None},
]
WRONG_FIELDS: list[dict[str, Any]] = [
    {"keywords": "no list"},
    {"maintainers": [None]},
    {"type": "malicious"},
    {"deprecated": "yes"},
    {"annotations": {"a": 1}},
    {"dependencies": [{"name": "a", "alias": "../../b"}]},
    {"description": "x" * 20_000},
    {"urls": ["https://evil.example.com/a.tgz"], "digest": "00", "created": "never"},
    {"description": '"urls":["'},
]


class TestAConfigThatLies:
    @pytest.mark.parametrize("lie", LIES, ids=str)
    def test_about_what_it_is_is_not_listed(self, shared: TestClient, repo: str, lie: Any) -> None:
        pushed(shared, repo, "1.0.0", **lie)
        assert listed(shared, repo) == []

    @pytest.mark.parametrize("wrong", WRONG_FIELDS, ids=lambda wrong: str(list(wrong)))
    def test_about_itself_does_no_harm(self, shared: TestClient, repo: str, wrong: Any) -> None:
        pushed(shared, repo, "1.0.0", raw := b"the archive", **wrong)
        name = repo.partition("/")[2]
        (entry,) = index(shared, repo)["entries"][name]
        assert (entry["name"], entry["version"], entry["apiVersion"][0]) == (name, "1.0.0", "v")
        assert entry["urls"] == [f"charts/{name}-1.0.0.tgz"]
        assert "sha256:" + entry["digest"] == sha256(raw)
        whole = shared.get("/chartrepo/index.yaml", auth=ADMIN).json()
        (there,) = whole["entries"][repo]
        assert there["urls"] == [f"{project_of(repo)}/charts/{name}-1.0.0.tgz"]

    def test_that_is_no_json_is_no_chart(self, shared: TestClient, repo: str) -> None:
        for data in (b"no json", b"archive"):
            push_blob(shared, repo, data)
        document = {
            "schemaVersion": 2,
            "config": descriptor(b"no json", CONFIG),
            "layers": [descriptor(b"archive", CONTENT)],
        }
        raw = json.dumps(document).encode()
        assert put_manifest(shared, repo, "1.0.0", raw, media_type=OCI_MANIFEST).status_code == 201
        assert listed(shared, repo) == []
        assert shared.get(file(repo, "1.0.0"), auth=ADMIN).status_code == 404


class TestAnArchive:
    def test_is_what_was_uploaded(self, shared: TestClient, repo: str) -> None:
        raw = uploaded(shared, repo, "1.0.0")
        answer = shared.get(file(repo, "1.0.0"), auth=ADMIN)
        assert answer.content == raw
        assert answer.headers["Content-Type"] == "application/x-tar"
        known = {"If-None-Match": answer.headers["ETag"]}
        assert shared.get(file(repo, "1.0.0"), auth=ADMIN, headers=known).status_code == 304
        part = shared.get(file(repo, "1.0.0"), auth=ADMIN, headers={"Range": "bytes=1-4"})
        assert (part.status_code, part.content) == (206, raw[1:5])
        head = shared.head(file(repo, "1.0.0"), auth=ADMIN)
        assert head.headers["Content-Length"] == str(len(raw))

    def test_counts_as_a_pull(self, shared: TestClient, repo: str, shared_rows: Rows) -> None:
        uploaded(shared, repo, "1.0.0")
        shared.get(file(repo, "1.0.0"), auth=ADMIN)
        shared.head(file(repo, "1.0.0"), auth=ADMIN)
        count = f"SELECT pull_count FROM repository WHERE name = '{repo}'"
        until(shared, lambda: shared_rows(count), [(1,)])
        lines = f"SELECT count(*) FROM audit_log_ext WHERE operation = 'pull' AND resource = '{repo}:1.0.0'"
        assert shared_rows(lines) == [(1,)]

    @pytest.mark.parametrize(
        "end", ["2.0.0.tgz", "1.0.0.zip", "1.0.0", "1.0.0.tgz.prov", "latest.tgz"]
    )
    def test_that_is_not_there(self, shared: TestClient, repo: str, end: str) -> None:
        uploaded(shared, repo, "1.0.0")
        name = repo.partition("/")[2]
        answer = shared.get(f"/chartrepo/{project_of(repo)}/charts/{name}-{end}", auth=ADMIN)
        assert error_of(answer) == (404, "NOT_FOUND")

    def test_with_hyphens_in_name_and_version(self, shared: TestClient, repo: str) -> None:
        other = f"{project_of(repo)}/my-app-2"
        raw = uploaded(shared, other, "1.0.0-rc.1-2")
        assert shared.get(file(other, "1.0.0-rc.1-2"), auth=ADMIN).content == raw

    def test_of_an_image_is_none(self, shared: TestClient, repo: str) -> None:
        push_image(shared, repo, "1.0.0")
        assert error_of(shared.get(file(repo, "1.0.0"), auth=ADMIN))[0] == 404


class TestWhoMayRead:
    def test_strangers_are_asked_for_a_password(self, shared: TestClient, repo: str) -> None:
        raw = uploaded(shared, repo, "1.0.0")
        for path in (f"/chartrepo/{project_of(repo)}/index.yaml", file(repo, "1.0.0"), api(repo)):
            for login in (None, WRONG):
                answer = shared.get(path, auth=login)
                assert error_of(answer) == (401, "UNAUTHORIZED")
                assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert error_of(upload(shared, repo, raw, login=None))[0] == 401
        assert error_of(shared.get("/chartrepo/index.yaml", auth=WRONG))[0] == 401

    def test_anybody_reads_what_is_public(self, shared: TestClient, repo: str) -> None:
        project = f"{project_of(repo)}-open"
        make_project(shared, project, public=True)
        raw = uploaded(shared, f"{project}/app", "1.0.0")
        assert "app" in index(shared, project, login=None)["entries"]
        assert shared.get(file(f"{project}/app", "1.0.0")).content == raw
        assert error_of(upload(shared, f"{project}/app", raw, login=None))[0] == 401

    def test_the_index_of_all_shows_what_each_may_see(self, shared: TestClient, repo: str) -> None:
        hidden, shown = f"{project_of(repo)}-hidden", f"{project_of(repo)}-shown"
        make_project(shared, hidden)
        make_project(shared, shown, public=True)
        guest, stranger = (make_user(shared, f"{project_of(repo)}-{n}") for n in ("in", "out"))
        add_member(shared, hidden, guest, 5)
        for project in (hidden, shown):
            uploaded(shared, f"{project}/app", "1.0.0")

        def seen(login: Any) -> set[str]:
            entries = shared.get("/chartrepo/index.yaml", auth=login).json()["entries"]
            return {name for name in entries if name.startswith(project_of(repo))}

        assert seen(ADMIN) == seen(guest) == {f"{hidden}/app", f"{shown}/app"}
        assert seen(stranger) == seen(None) == {f"{shown}/app"}
        (entry,) = shared.get("/chartrepo/index.yaml", auth=guest).json()["entries"][
            f"{hidden}/app"
        ]
        assert entry["name"] == "app"
        assert shared.get(f"/chartrepo/{entry['urls'][0]}", auth=guest).status_code == 200
        uploaded(shared, f"{shown}/app", "1.1.0")
        (newest, _) = shared.get("/chartrepo/index.yaml").json()["entries"][f"{shown}/app"]
        assert newest["version"] == "1.1.0"


def test_another_process_sees_every_change(start: Start) -> None:
    one, other = start(), start()
    make_project(one, "team")
    uploaded(one, "team/app", "1.0.0")
    assert listed(one, "team/app") == listed(other, "team/app") == ["1.0.0"]
    uploaded(other, "team/app", "1.1.0")
    assert listed(one, "team/app") == ["1.1.0", "1.0.0"]
    first, second = (each.get("/chartrepo/team/index.yaml", auth=ADMIN) for each in (one, other))
    assert first.headers["ETag"] == second.headers["ETag"]
    assert other.delete(api("team/app", "app", "1.0.0"), auth=ADMIN).status_code == 200
    assert listed(one, "team/app") == ["1.1.0"]
    raw = chart("app", "1.1.0", description="anew")
    prov = signed("app", "1.1.0", sha256(raw))
    assert (
        upload(
            other, "team/app", raw, prov=prov, path="/api/chartrepo/team/charts?force"
        ).status_code
        == 201
    )
    (entry,) = index(one, "team/app")["entries"]["app"]
    assert entry["description"] == "anew"
