"""No project stores more than it may, and whoever pushes is told why."""

import json

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from harbor.app import Building
from harbor.artifacts.schemas import Place
from harbor.artifacts.service.uploads import Pushes
from harbor.core.errors import Denied
from harbor.core.oci import Digest
from harbor.core.settings import Settings
from harbor.quotas.service.usage import shown
from tests.make import (
    ADMIN,
    API,
    error_of,
    manifest_of,
    push_blob,
    push_image,
    put_manifest,
    sha256,
)
from tests.quotas.roads import ROADS, UPLOADS, Road
from tests.quotas.storage import (
    NONE,
    begin,
    denied,
    limit,
    make_limited,
    mount,
    post,
    put,
    quota_of,
    used,
)
from tests.registry.servers import Answer, Raw, Rows, basic, in_server

DATA = b"x" * 1000
DIGEST = sha256(DATA)
KIB = 1024


def files(settings: Settings) -> set[str]:
    """The blobs and uploads that take space."""
    found = [*(settings.data / "blobs").rglob("*"), *(settings.data / "uploads").iterdir()]
    return {file.name for file in found if file.is_file()}


@pytest.mark.parametrize("road", ROADS)
def test_what_just_fits_is_kept(shared: TestClient, road: Road) -> None:
    project = make_limited(shared, len(DATA))
    assert road(shared, f"{project}/app", DATA).status_code == 201
    assert used(shared, project) == len(DATA)


@pytest.mark.parametrize("road", ROADS)
def test_a_byte_too_many_is_refused(shared: TestClient, road: Road) -> None:
    project = make_limited(shared, len(DATA) - 1)
    assert denied(road(shared, f"{project}/app", DATA)) == (
        "adding 1000 B of storage resource, which when updated to current usage of 0 B "
        "will exceed the configured upper limit of 999 B."
    )
    assert used(shared, project) == 0
    answer = shared.head(f"/v2/{project}/app/blobs/{DIGEST}", auth=ADMIN)
    assert answer.status_code == 404


@pytest.mark.parametrize("road", ROADS)
def test_what_is_there_already_fits_into_a_full_project(shared: TestClient, road: Road) -> None:
    project = make_limited(shared, len(DATA))
    push_blob(shared, f"{project}/app", DATA)
    for repo in ("app", "web"):
        assert road(shared, f"{project}/{repo}", DATA).status_code == 201
    assert used(shared, project) == len(DATA)


def test_a_manifest_that_just_fits_is_kept(shared: TestClient) -> None:
    raw = json.dumps(manifest_of(DATA)).encode()
    for spare, status in ((0, 201), (-1, 403)):
        project = make_limited(shared, len(DATA) + len(raw) + spare)
        push_blob(shared, f"{project}/app", DATA)
        answer = put_manifest(shared, f"{project}/app", "1.0", raw)
        assert answer.status_code == status
        assert used(shared, project) == len(DATA) + (len(raw) if status == 201 else 0)
    assert f"adding {len(raw)} B of storage resource" in denied(answer)
    assert f"current usage of {len(DATA)} B" in denied(answer)
    tags = shared.get(f"/v2/{project}/app/tags/list", auth=ADMIN)
    assert tags.json()["tags"] == []


def test_an_image_in_a_full_project_gets_another_tag(shared: TestClient) -> None:
    project = make_limited(shared)
    image = push_image(shared, f"{project}/app")
    limit(shared, project, used(shared, project))
    assert put_manifest(shared, f"{project}/app", "2.0", image.raw).status_code == 201


def test_docker_can_show_what_is_wrong(shared: TestClient) -> None:
    """It prints the code in small letters, and the message."""
    project = make_limited(shared, 15 * KIB * KIB)
    push_blob(shared, f"{project}/app", b"a" * 10 * KIB * KIB)
    answer = post(shared, f"{project}/app", b"b" * 12 * KIB * KIB)
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.json() == {
        "errors": [
            {
                "code": "DENIED",
                "message": "adding 12.0 MiB of storage resource, which when updated to current "
                "usage of 10.0 MiB will exceed the configured upper limit of 15.0 MiB.",
            }
        ]
    }


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (12 * KIB**2, "12.0 MiB"),
        (KIB**3, "1.0 GiB"),
        (KIB**4 * 5 // 2, "2.5 TiB"),
        (KIB**5, "1.0 PiB"),
        (2**63 - 1, "8.0 EiB"),
    ],
)
def test_sizes_are_worded_as_harbor_does(nbytes: int, text: str) -> None:
    assert shown(nbytes) == text


class TestAnUploadIntoAProjectThatIsOver:
    @pytest.fixture
    def over(self, shared: TestClient) -> str:
        project = make_limited(shared)
        push_image(shared, f"{project}/app")
        limit(shared, project, used(shared, project) - 1)
        return project

    def test_is_refused_when_it_begins(self, shared: TestClient, over: str) -> None:
        answer = shared.post(f"/v2/{over}/app/blobs/uploads/", auth=ADMIN)
        assert denied(answer).startswith("adding 0 B of storage resource")

    def test_is_refused_when_it_should_have_been_a_mount(
        self, shared: TestClient, over: str
    ) -> None:
        denied(mount(shared, f"{over}/app", sha256(b"nowhere"), "library/base"))

    def test_is_refused_even_if_it_is_empty(self, shared: TestClient, over: str) -> None:
        denied(post(shared, f"{over}/app", b""))

    def test_may_begin_in_one_that_is_just_full(self, shared: TestClient, over: str) -> None:
        limit(shared, over, used(shared, over))
        location = begin(shared, f"{over}/app")
        assert put(shared, location, sha256(b"")).status_code == 201
        denied(put(shared, begin(shared, f"{over}/app"), DIGEST, DATA))

    def test_pulls_and_deletes_go_on(self, shared: TestClient, over: str) -> None:
        answer = shared.get(f"/v2/{over}/app/manifests/1.0", auth=ADMIN)
        assert answer.status_code == 200
        digest = answer.headers["Docker-Content-Digest"]
        gone = shared.delete(f"/v2/{over}/app/manifests/{digest}", auth=ADMIN)
        assert gone.status_code == 202
        assert used(shared, over) == 0
        assert post(shared, f"{over}/app", b"1").status_code == 201

    def test_is_taken_once_the_limit_is_raised(self, shared: TestClient, over: str) -> None:
        limit(shared, over, used(shared, over) + len(DATA))
        push_blob(shared, f"{over}/app", DATA)
        limit(shared, over, NONE)
        push_blob(shared, f"{over}/app", DATA * 2)


class Unread(Raw):
    """A request whose body nobody may ask for."""

    async def run(self, client: TestClient) -> Answer:
        async def receive() -> Message:
            raise AssertionError("the body was read")

        async def send(message: Message) -> None:
            self.sent.append(message)

        await client.app(self.scope(), receive, send)
        return self.answer()


@pytest.fixture
def full(shared: TestClient) -> str:
    return make_limited(shared, 1)


def announced(client: TestClient, method: str, path: str, nbytes: int, span: str = "") -> int:
    """The status that is answered before anything of the body comes."""
    headers = [basic(), (b"content-length", b"%d" % nbytes)]
    if span:
        headers.append((b"content-range", span.encode()))
    raw = Unread(method, f"{path}?digest={DIGEST}".encode(), headers)
    return int(in_server(client, raw.run, client).status_code)


def test_what_is_too_long_by_its_own_account_is_not_read(shared: TestClient, full: str) -> None:
    assert announced(shared, "POST", f"/v2/{full}/app/blobs/uploads/", 10**12) == 403
    assert announced(shared, "PUT", begin(shared, f"{full}/app"), 10**12) == 403
    location = begin(shared, f"{full}/app")
    assert shared.patch(location, content=DATA, auth=ADMIN).status_code == 202
    assert announced(shared, "PUT", location, 1, "1000-1000") == 403


def test_a_chunk_that_comes_twice_is_measured_by_where_it_belongs(shared: TestClient) -> None:
    project = make_limited(shared, len(DATA))
    location = begin(shared, f"{project}/app")
    assert shared.patch(location, content=DATA, auth=ADMIN).status_code == 202
    again = shared.put(
        location,
        params={"digest": DIGEST},
        content=DATA[500:],
        headers={"Content-Range": "500-999"},
        auth=ADMIN,
    )
    assert error_of(again) == (416, "RANGE_INVALID")
    assert put(shared, location, DIGEST).status_code == 201


@pytest.mark.parametrize("road", UPLOADS)
def test_what_is_refused_leaves_nothing_behind(
    shared: TestClient, shared_settings: Settings, shared_rows: Rows, full: str, road: Road
) -> None:
    before = files(shared_settings)
    denied(road(shared, f"{full}/app", road.__name__.encode() * 9))
    assert files(shared_settings) == before
    assert shared_rows("SELECT count(*) FROM blob_upload WHERE repository LIKE 'q%'") == [(0,)]


def pushes_of(building: Building, place: Place) -> Pushes:
    return Pushes(
        building.db, building.store, building.upload_ids, place, ADMIN[0], at_most=9, limited=True
    )


def test_who_was_late_leaves_nothing_behind(shared: TestClient, shared_settings: Settings) -> None:
    """There was room when it was asked for, and none any more at the commit."""
    building = shared.app
    assert isinstance(building, Building)
    project, late = make_limited(shared, len(DATA)), b"y" * len(DATA)
    repo, location = f"{project}/app", begin(shared, f"{project}/app")
    assert shared.patch(location, content=late, auth=ADMIN).status_code == 202
    push_blob(shared, repo, DATA)
    before = files(shared_settings) - {location.rpartition("/")[2]}
    place = Place(quota_of(shared, project)["ref"]["id"], repo)
    pushes = pushes_of(building, place)
    upload_id, digest = location.rpartition("/")[2], Digest(sha256(late))
    with pytest.raises(Denied):
        in_server(shared, pushes.finish, upload_id, digest, len(late))
    assert files(shared_settings) == before
    assert error_of(shared.get(location, auth=ADMIN)) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert used(shared, project) == len(DATA)


def test_who_was_late_with_what_others_have_takes_nothing_from_them(
    shared: TestClient,
) -> None:
    building = shared.app
    assert isinstance(building, Building)
    project, other = make_limited(shared, 1), make_limited(shared)
    location = begin(shared, f"{project}/app")
    assert shared.patch(location, content=DATA, auth=ADMIN).status_code == 202
    push_blob(shared, f"{other}/app", DATA)
    place = Place(quota_of(shared, project)["ref"]["id"], f"{project}/app")
    pushes = pushes_of(building, place)
    upload_id = location.rpartition("/")[2]
    with pytest.raises(Denied):
        in_server(shared, pushes.finish, upload_id, Digest(DIGEST), len(DATA))
    answer = shared.get(f"/v2/{other}/app/blobs/{DIGEST}", auth=ADMIN)
    assert answer.content == DATA


def test_a_refused_upload_is_over(shared: TestClient, full: str) -> None:
    location = begin(shared, f"{full}/app")
    denied(put(shared, location, DIGEST, DATA))
    assert error_of(shared.get(location, auth=ADMIN)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_refused_manifest_is_in_the_audit_log(shared: TestClient, shared_rows: Rows) -> None:
    project = make_limited(shared, len(DATA))
    push_blob(shared, f"{project}/app", DATA)
    denied(put_manifest(shared, f"{project}/app", "1.0", manifest_of(DATA)))
    lines = shared_rows(
        "SELECT operation, operation_result FROM audit_log_ext "
        f"WHERE resource = '{project}/app:1.0'"
    )
    assert [(operation, bool(result)) for operation, result in lines] == [("create", False)]


class TestWithoutEnforcement:
    """The switch ``quota_per_project_enable``."""

    @pytest.fixture
    def off(self, client: TestClient) -> str:
        project = make_limited(client, 1)
        self.switch(client, on=False)
        return project

    def switch(self, client: TestClient, *, on: bool) -> None:
        body = {"quota_per_project_enable": on}
        answer = client.put(f"{API}/configurations", json=body, auth=ADMIN)
        assert answer.status_code == 200, answer.text

    @pytest.mark.parametrize("road", ROADS)
    def test_everything_fits_and_is_counted(self, client: TestClient, off: str, road: Road) -> None:
        assert road(client, f"{off}/app", DATA).status_code == 201
        raw = json.dumps(manifest_of(DATA)).encode()
        assert put_manifest(client, f"{off}/app", "1.0", raw).status_code == 201
        assert used(client, off) == len(DATA) + len(raw)

    def test_the_limit_holds_again_once_it_is_switched_on(
        self, client: TestClient, off: str
    ) -> None:
        push_blob(client, f"{off}/app", DATA)
        self.switch(client, on=True)
        denied(post(client, f"{off}/app", b"more"))
