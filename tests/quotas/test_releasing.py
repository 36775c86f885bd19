"""What is deleted is no longer charged, nor can it be read; what others need stays."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.artifacts.schemas import Place
from harbor.artifacts.service import artifacts, blobs, manifests, releases
from harbor.artifacts.service.details import Details
from harbor.core import clock
from harbor.core.errors import NameUnknown
from harbor.core.oci import Digest
from harbor.quotas import service as quotas
from harbor.registry import jobs
from tests.make import (
    ADMIN,
    API,
    OCI_INDEX,
    Pushed,
    error_of,
    index_of,
    manifest_of,
    push_blob,
    push_index,
    push_referrer,
    put_manifest,
    sha256,
)
from tests.quotas.storage import (
    delete,
    denied,
    held,
    limit,
    make_limited,
    used,
)
from tests.registry.servers import Rows, in_server

BASE = b"a layer that many images share"


@pytest.fixture
def project(shared: TestClient) -> str:
    return make_limited(shared)


def image(client: TestClient, repo: str, own: bytes, tag: str = "1.0") -> Pushed:
    """An image of the shared layer and one of its own, which is its config, too."""
    for data in (BASE, own):
        push_blob(client, repo, data)
    raw = json.dumps(manifest_of(own, BASE)).encode()
    assert put_manifest(client, repo, tag, raw).status_code == 201
    return Pushed(sha256(raw), raw, (own, BASE))


def size(*images: Pushed) -> int:
    """What images need together."""
    parts = {data for each in images for data in (each.raw, *each.blobs)}
    return sum(map(len, parts))


def is_there(client: TestClient, repo: str, data: bytes) -> bool:
    return any(held(client, repo, kind, [data]) for kind in ("blobs", "manifests"))


def test_the_last_image_takes_all_it_needed_along(shared: TestClient, project: str) -> None:
    repo = f"{project}/app"
    one = image(shared, repo, b"one")
    assert delete(shared, repo, "manifests", one.digest) == 202
    assert used(shared, project) == 0
    assert not any(is_there(shared, repo, data) for data in (one.raw, *one.blobs))


def test_what_another_image_needs_stays(shared: TestClient, project: str) -> None:
    repo = f"{project}/app"
    one, two = image(shared, repo, b"one"), image(shared, repo, b"two", "2.0")
    assert used(shared, project) == size(one, two)
    delete(shared, repo, "manifests", one.digest)
    assert used(shared, project) == size(two)
    assert is_there(shared, repo, BASE)
    assert not is_there(shared, repo, b"one")


@pytest.mark.parametrize("same", [True, False], ids=["same image", "same layer"])
def test_what_another_repository_needs_stays(shared: TestClient, project: str, same: bool) -> None:
    one = image(shared, f"{project}/app", b"one")
    two = image(shared, f"{project}/web", b"one" if same else b"two")
    delete(shared, f"{project}/app", "manifests", one.digest)
    assert used(shared, project) == size(two)
    delete(shared, f"{project}/web", "manifests", two.digest)
    assert used(shared, project) == 0
    assert not any(is_there(shared, f"{project}/{name}", BASE) for name in ("app", "web"))


def test_other_projects_keep_theirs(shared: TestClient, project: str) -> None:
    other = make_limited(shared)
    one, two = (image(shared, f"{name}/app", b"one") for name in (project, other))
    delete(shared, f"{project}/app", "manifests", one.digest)
    assert [used(shared, name) for name in (project, other)] == [0, size(two)]
    assert is_there(shared, f"{other}/app", BASE)


def test_a_tag_is_free_of_charge(shared: TestClient, project: str) -> None:
    one = image(shared, f"{project}/app", b"one")
    assert delete(shared, f"{project}/app", "manifests", "1.0") == 202
    assert used(shared, project) == size(one)


def test_accessories_are_released_with_their_subject(shared: TestClient, project: str) -> None:
    repo = f"{project}/app"
    one = image(shared, repo, b"one")
    for kind in ("application/vnd.example.signature", "application/vnd.example.sbom"):
        push_referrer(shared, repo, one, kind)
    delete(shared, repo, "manifests", one.digest)
    assert used(shared, project) == 0


def test_children_of_an_index_stay(shared: TestClient, project: str) -> None:
    repo = f"{project}/app"
    one = image(shared, repo, b"one")
    index = push_index(shared, repo, "multi", one)
    delete(shared, repo, "manifests", index.digest)
    assert used(shared, project) == size(one)


def test_a_blob_that_an_index_lists_is_released_with_it(shared: TestClient, project: str) -> None:
    """BuildKit keeps its caches so."""
    repo = f"{project}/app"
    push_blob(shared, repo, BASE)
    index = push_index(shared, repo, "cache", Pushed(sha256(BASE), BASE))
    assert delete(shared, repo, "blobs", sha256(BASE)) == 405
    delete(shared, repo, "manifests", index.digest)
    assert used(shared, project) == 0


def test_what_is_refused_releases_nothing(shared: TestClient, project: str) -> None:
    repo = f"{project}/app"
    one = image(shared, repo, b"one")
    push_index(shared, repo, "multi", one)
    before = used(shared, project)
    assert delete(shared, repo, "manifests", one.digest) == 412
    assert delete(shared, repo, "blobs", sha256(BASE)) == 405
    assert used(shared, project) == before


def test_a_blob_that_no_image_needs_counts_until_it_is_deleted(
    shared: TestClient, project: str
) -> None:
    for repo in ("app", "web"):
        push_blob(shared, f"{project}/{repo}", BASE)
    assert delete(shared, f"{project}/app", "blobs", sha256(BASE)) == 202
    assert used(shared, project) == len(BASE)
    assert delete(shared, f"{project}/web", "blobs", sha256(BASE)) == 202
    assert used(shared, project) == 0


def test_a_blob_stays_charged_while_it_is_a_manifest(shared: TestClient, project: str) -> None:
    one = image(shared, f"{project}/app", b"one")
    push_blob(shared, f"{project}/web", one.raw)
    assert delete(shared, f"{project}/web", "blobs", one.digest) == 202
    assert used(shared, project) == size(one)


def test_a_blob_that_was_only_sent_elsewhere_goes_with_the_image(
    shared: TestClient, project: str
) -> None:
    one = image(shared, f"{project}/app", b"one")
    push_blob(shared, f"{project}/web", BASE)
    delete(shared, f"{project}/app", "manifests", one.digest)
    assert used(shared, project) == 0
    assert not is_there(shared, f"{project}/web", BASE)


def test_what_was_released_makes_room(shared: TestClient, project: str) -> None:
    repo = f"{project}/app"
    one = image(shared, repo, b"one")
    limit(shared, project, size(one))
    delete(shared, repo, "manifests", one.digest)
    assert size(image(shared, repo, b"two")) == used(shared, project) == size(one)


class TestAPushThatSawWhatIsReleasedNow:
    """It sends no blob that was there when it asked, so its manifest brings them back."""

    @pytest.fixture
    def gone(self, shared: TestClient, project: str) -> Pushed:
        one = image(shared, f"{project}/app", b"one")
        delete(shared, f"{project}/app", "manifests", one.digest)
        return one

    def test_succeeds(self, shared: TestClient, project: str, gone: Pushed) -> None:
        repo = f"{project}/app"
        assert put_manifest(shared, repo, "1.0", gone.raw).status_code == 201
        assert used(shared, project) == size(gone)
        answer = shared.get(f"/v2/{repo}/blobs/{sha256(BASE)}", auth=ADMIN)
        assert answer.content == BASE

    def test_pays_for_it(self, shared: TestClient, project: str, gone: Pushed) -> None:
        limit(shared, project, size(gone) - 1)
        answer = put_manifest(shared, f"{project}/app", "1.0", gone.raw)
        assert f"adding {size(gone)} B of storage resource" in denied(answer)
        assert used(shared, project) == 0
        limit(shared, project, size(gone))
        assert put_manifest(shared, f"{project}/app", "1.0", gone.raw).status_code == 201

    @pytest.mark.parametrize("other", ["{project}/web", "library/app"])
    def test_is_in_the_same_repository(
        self, shared: TestClient, project: str, gone: Pushed, other: str
    ) -> None:
        answer = put_manifest(shared, other.format(project=project), "1.0", gone.raw)
        assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")

    def test_must_bring_what_never_was_there(
        self, shared: TestClient, project: str, gone: Pushed
    ) -> None:
        document = manifest_of(b"one", b"never here")
        answer = put_manifest(shared, f"{project}/app", "1.0", document)
        assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")
        assert used(shared, project) == 0

    def test_must_bring_what_was_deleted_by_name(
        self, shared: TestClient, project: str, gone: Pushed
    ) -> None:
        repo = f"{project}/app"
        for data in gone.blobs:
            push_blob(shared, repo, data)
            assert delete(shared, repo, "blobs", sha256(data)) == 202
        answer = put_manifest(shared, repo, "1.0", gone.raw)
        assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")

    def test_must_come_within_a_day(
        self,
        shared: TestClient,
        project: str,
        gone: Pushed,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        soon, late = (clock.now() + releases.RECALLED_FOR + timedelta(minutes=n) for n in (-9, 9))
        monkeypatch.setattr(clock, "now", lambda: late)
        answer = put_manifest(shared, f"{project}/app", "1.0", gone.raw)
        assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")
        monkeypatch.setattr(clock, "now", lambda: soon)
        assert put_manifest(shared, f"{project}/app", "1.0", gone.raw).status_code == 201

    def test_is_not_waited_for_for_ever(
        self,
        shared: TestClient,
        shared_rows: Rows,
        gone: Pushed,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        building = shared.app
        assert isinstance(building, Building)
        count = f"SELECT count(*) FROM released_blob WHERE digest = '{sha256(b'one')}'"

        async def sweep() -> None:
            await jobs.sweep(building.db, building.store, upload_idle_s=10**6)

        in_server(shared, sweep)
        assert shared_rows(count) != [(0,)]
        late = clock.now() + releases.RECALLED_FOR + timedelta(minutes=1)
        monkeypatch.setattr(clock, "now", lambda: late)
        in_server(shared, sweep)
        assert shared_rows(count) == [(0,)]


class TestADeletedProject:
    def remove(self, client: TestClient, project: str) -> int:
        answer = client.delete(f"{API}/projects/{project}", auth=ADMIN)
        assert answer.status_code == 200, answer.text
        return answer.status_code

    def test_has_no_quota_and_holds_nothing(
        self, shared: TestClient, shared_rows: Rows, project: str
    ) -> None:
        path = f"{API}/projects/{project}"
        project_id = shared.get(path, auth=ADMIN).json()["project_id"]
        push_blob(shared, f"{project}/app", BASE)
        self.remove(shared, project)
        asked = {"reference_id": str(project_id)}
        assert shared.get(f"{API}/quotas", params=asked, auth=ADMIN).json() == []
        for table in ("quota", "project_blob", "repository_blob", "released_blob"):
            count = f"SELECT count(*) FROM {table} WHERE project_id = {project_id}"
            assert shared_rows(count) == [(0,)]

    def test_leaves_nothing_to_a_new_one_of_its_name(
        self, shared: TestClient, project: str
    ) -> None:
        push_blob(shared, f"{project}/app", BASE)
        self.remove(shared, project)
        made = shared.post(f"{API}/projects", json={"project_name": project}, auth=ADMIN)
        assert made.status_code == 201
        assert used(shared, project) == 0
        assert not is_there(shared, f"{project}/app", BASE)

    def test_takes_no_more_blobs(self, shared: TestClient, project: str) -> None:
        """From pushes that had been let in before."""
        building = shared.app
        assert isinstance(building, Building)
        path = f"{API}/projects/{project}"
        here = Place(shared.get(path, auth=ADMIN).json()["project_id"], f"{project}/app")
        push_blob(shared, "library/base", BASE)
        digest = Digest(sha256(BASE))
        base = Place(1, "library/base")
        limits: dict[str, Any] = {"digest": digest, "enforced": True}
        image = manifests.pushed(
            here, reference="1.0", media_type=OCI_INDEX, raw=json.dumps(index_of()).encode()
        )
        self.remove(shared, project)
        none = Details("IMAGE", None, None)

        async def unheard(place: Place) -> None:
            raise AssertionError(f"{place} has no former name")

        for work in (
            partial(blobs.add, place=here, size=len(BASE), **limits),
            partial(blobs.mount, source=base, target=here, **limits),
            partial(artifacts.add, pushed=image, details=none, refuse=unheard, enforced=True),
        ):
            with pytest.raises(NameUnknown):
                in_server(shared, building.db.quick.write, work)
        with pytest.raises(NameUnknown):
            in_server(shared, quotas.require_room, building.db.quick, here.project_id)
