"""What a path under /v2 means, and what every answer carries."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from tests.conftest import Start
from tests.make import (
    ADMIN,
    Pushed,
    bearer,
    error_of,
    make_project,
    push_image,
    put_manifest,
    sha256,
)
from tests.registry.servers import ask, basic, change

pytestmark = pytest.mark.once

REPO = "library/team/sub/app"
DIGEST = sha256(b"x")
VERSION = "docker-distribution-api-version"


@pytest.fixture(scope="module")
def image(shared: TestClient) -> Pushed:
    return push_image(shared, REPO)


def status(client: TestClient, path: bytes | str, method: str = "GET") -> int:
    return ask(client, method, path, headers=[basic()]).status_code


def code(client: TestClient, path: bytes | str, method: str = "GET") -> tuple[int, str]:
    answer = ask(client, method, path, headers=[basic()])
    return answer.status_code, answer.content.decode().partition('"code":"')[2].partition('"')[0]


@pytest.mark.parametrize(
    "path",
    [
        "/v2/library/team/sub/app/manifests/1.0",
        "/v2/library/team/sub/app/manifests/1.0/",
        "/v2//library///team/sub/app/manifests//1.0",
        "/v2/library/team/sub/app/manifests/%31.0",
        "/v2/library/te%61m/sub/app/manifests/1.0",
        "/v2/library/team/sub/app/tags/list",
        "/v2/library/team/sub/app/tags/list/",
        "/v2/library/team/sub/app/%74ags/list",
    ],
)
def test_a_path_may_be_written_in_several_ways(
    shared: TestClient, image: Pushed, path: str
) -> None:
    assert status(shared, path) == 200


@pytest.mark.parametrize("path", ["/v2/", "/v2", "/v2//", "/v2/_catalog", "/v2/_catalog/"])
def test_the_root_and_the_catalog_may_end_in_a_slash(shared: TestClient, path: str) -> None:
    assert status(shared, path) == 200
    assert status(shared, path, "HEAD") == 200


@pytest.mark.parametrize(
    "name",
    [
        "library",
        "library/App",
        "library/-app",
        "library/app-",
        "library/a..b",
        "library/a___b",
        "library/.app",
        "library/a%20b",
        "library/%C3%A9",
        "library/a%0A",
        "library/a%00b",
        "library%2Fapp",
        "library/a%2Fb",
        "library/..",
        "library/%2e%2e",
        "Library/app",
        "library/a:b",
        "library/" + 248 * "a",
        "library/a\\b",
        "library/a'b",
    ],
)
def test_what_is_no_name_is_refused(shared: TestClient, name: str) -> None:
    for tail in ("manifests/1.0", "tags/list", f"blobs/{DIGEST}", f"referrers/{DIGEST}"):
        assert code(shared, f"/v2/{name}/{tail}") == (400, "NAME_INVALID")
    assert code(shared, f"/v2/{name}/blobs/uploads/", "POST") == (400, "NAME_INVALID")


@pytest.mark.parametrize(
    "name",
    ["library/a", "library/a.b_c__d-e---f", "library/0/1/2", "library/" + 247 * "a",
     "library/manifests", "library/blobs/uploads", "library/tags"],
)  # fmt: skip
def test_names_follow_the_grammar(shared: TestClient, name: str) -> None:
    pushed = push_image(shared, name)
    assert ask(shared, "GET", f"/v2/{name}/manifests/1.0", headers=[basic()]).content == pushed.raw
    assert shared.get(f"/v2/{name}/tags/list", auth=ADMIN).json() == {"name": name, "tags": ["1.0"]}


@pytest.mark.parametrize(
    "path",
    [
        "/v2/library",
        "/v2/library/app",
        "/v2/library/app/",
        "/v2/library/app/tags",
        "/v2/library/app/tags/other",
        "/v2/library/app/manifests",
        "/v2/library/app/blobs",
        "/v2/library/app/nonsense/x",
        "/v2/tags/list",
        "/v2/manifests/1.0",
        "/v2/blobs/uploads",
        "/v2/_catalog/x",
        "/v2/_other",
        b"/v2/library/\xff/tags/list",
        b"/v2/\xc3\xa9/tags/list",
        "/v2/library/../../etc/passwd",
    ],
)
def test_what_is_no_road_is_not_found(shared: TestClient, path: bytes | str) -> None:
    assert code(shared, path) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v2/", "GET, HEAD"),
        ("DELETE", "/v2/_catalog", "GET, HEAD"),
        ("POST", f"/v2/{REPO}/tags/list", "GET, HEAD"),
        ("POST", f"/v2/{REPO}/manifests/1.0", "DELETE, GET, HEAD, PUT"),
        ("PATCH", f"/v2/{REPO}/manifests/1.0", "DELETE, GET, HEAD, PUT"),
        ("PUT", f"/v2/{REPO}/blobs/{DIGEST}", "DELETE, GET, HEAD"),
        ("GET", f"/v2/{REPO}/blobs/uploads/", "POST"),
        ("POST", f"/v2/{REPO}/blobs/uploads/{32 * '0'}", "DELETE, GET, HEAD, PATCH, PUT"),
        ("PUT", f"/v2/{REPO}/referrers/{DIGEST}", "GET, HEAD"),
        ("OPTIONS", "/v2/", "GET, HEAD"),
        ("NONSENSE", "/v2/", "GET, HEAD"),
    ],
)
def test_a_method_that_does_not_fit_is_refused(
    shared: TestClient, method: str, path: str, allowed: str
) -> None:
    answer = ask(shared, method, path, headers=[basic()])
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.headers[VERSION] == "registry/2.0"


def anything(client: TestClient, image: Pushed) -> list[tuple[str, str, dict[str, Any]]]:
    """Requests for every status that the registry knows."""
    make_project(client, "every")
    push_image(client, "every/app")
    blob = sha256(image.blobs[0])
    upload = client.post("/v2/every/app/blobs/uploads/", auth=ADMIN).headers["Location"]
    known = {"If-None-Match": "*"}
    return [
        ("GET", "/v2/", {}),
        ("GET", f"/v2/{REPO}/manifests/1.0", {}),
        ("HEAD", f"/v2/{REPO}/blobs/{blob}", {}),
        ("GET", f"/v2/{REPO}/blobs/{blob}", {}),
        ("GET", f"/v2/{REPO}/blobs/{blob}", {"headers": {"Range": "bytes=0-1"}}),
        ("GET", f"/v2/{REPO}/blobs/{blob}", {"headers": {"Range": "bytes=999-"}}),
        ("GET", f"/v2/{REPO}/blobs/{blob}", {"headers": known}),
        ("GET", f"/v2/{REPO}/manifests/1.0", {"headers": known}),
        ("GET", "/v2/_catalog", {}),
        ("GET", "/v2/_catalog?n=x", {}),
        ("GET", f"/v2/{REPO}/tags/list", {}),
        ("GET", f"/v2/{REPO}/referrers/{blob}", {}),
        ("POST", "/v2/every/app/blobs/uploads/", {}),
        ("POST", f"/v2/every/app/blobs/uploads/?digest={sha256(b'')}", {}),
        ("POST", f"/v2/every/app/blobs/uploads/?mount={blob}&from={REPO}", {}),
        ("GET", upload, {}),
        ("PATCH", upload, {"content": b"x"}),
        ("PATCH", upload, {"content": b"x", "headers": {"Content-Range": "5-5"}}),
        ("DELETE", upload, {}),
        ("DELETE", "/v2/every/app/manifests/1.0", {}),
        ("GET", f"/v2/{REPO}/manifests/none", {}),
        ("GET", "/v2/nonsense", {}),
        ("PUT", "/v2/", {}),
        ("GET", "/v2/missing/app/tags/list", {}),
        ("PUT", f"/v2/{REPO}/manifests/x", {"content": b"{"}),
        ("PUT", f"/v2/{REPO}/manifests/x", {"content": (4 * 2**20 + 1) * b"x"}),
        ("GET", "/v2/_catalog?last=a%00b", {}),
    ]


def test_every_answer_says_what_this_is_and_which_request_it_was(
    shared: TestClient, image: Pushed
) -> None:
    found: set[int] = set()
    for method, path, more in anything(shared, image):
        headers = {"X-Request-ID": f"request-{len(found)}"} | more.pop("headers", {})
        answer = shared.request(method, path, headers=headers, auth=ADMIN, **more)
        found.add(answer.status_code)
        assert answer.headers[VERSION] == "registry/2.0", (method, path)
        assert answer.headers.get_list("X-Request-Id") == [headers["X-Request-ID"]]
        if answer.status_code >= 400 and answer.content:
            assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
            (error,) = answer.json()["errors"]
            assert error["code"].isupper()
            assert error["message"]
    assert found == {200, 201, 202, 204, 206, 304, 400, 401, 404, 405, 413, 416, 422}


def test_even_a_server_error_says_so_and_tells_no_more(start: Start, database_url: str) -> None:
    client = start()
    push_image(client, "library/app")
    change(database_url, text("ALTER TABLE artifact_accessory RENAME TO not_there"))
    answer = client.get(f"/v2/library/app/referrers/{DIGEST}", auth=ADMIN)
    change(database_url, text("ALTER TABLE not_there RENAME TO artifact_accessory"))
    assert error_of(answer) == (500, "UNKNOWN")
    assert answer.json()["errors"][0]["message"] == "internal server error"
    assert answer.headers[VERSION] == "registry/2.0"
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("given", [None, "", 129 * "x", "a b", "é", "a\tb", "a\x7f"])
def test_a_request_without_a_fit_id_gets_one(shared: TestClient, given: str | None) -> None:
    headers = [basic()]
    if given is not None:
        headers.append((b"x-request-id", given.encode("latin-1")))
    told = ask(shared, "GET", "/v2/", headers=headers).headers["x-request-id"]
    assert uuid.UUID(told).version == 4


@pytest.mark.parametrize("given", ["a", "7b0f-1", 128 * "x", '"<>&'])
def test_a_request_keeps_its_id(shared: TestClient, given: str) -> None:
    answer = shared.get("/v2/", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-Id"] == given


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("manifests/1.0", {}),
        ("manifests/1.0", {"If-None-Match": "*"}),
        ("manifests/{digest}", {}),
        ("blobs/{blob}", {}),
        ("blobs/{blob}", {"Range": "bytes=2-5"}),
        ("blobs/{blob}", {"Range": "bytes=999-"}),
        ("blobs/{blob}", {"If-None-Match": "*"}),
        ("tags/list", {}),
        ("tags/list?n=0", {}),
        ("referrers/{digest}", {}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_is_the_same_each_time_and_for_each_kind_of_credentials(
    shared: TestClient, image: Pushed, method: str, path: str, headers: dict[str, str]
) -> None:
    """Answers to tokens are remembered."""
    token = bearer(shared, ADMIN, f"repository:{REPO}:pull")
    url = f"/v2/{REPO}/{path.format(digest=image.digest, blob=sha256(image.blobs[0]))}"
    given = headers | {"X-Request-ID": "same"}
    by_password = shared.request(method, url, headers=given, auth=ADMIN)
    for _ in range(3):
        by_token = shared.request(method, url, headers=given | token)
        assert by_token.status_code == by_password.status_code
        assert by_token.headers == by_password.headers
        assert by_token.content == by_password.content


def test_pushing_through_an_escaped_name_is_the_same(shared: TestClient, image: Pushed) -> None:
    answer = put_manifest(shared, REPO.replace("app", "%61pp"), "escaped", image.raw)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/{REPO}/manifests/{image.digest}"
