"""Uploads: in one request, in two, as a stream, in chunks; asked after, taken up again, cancelled."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.core.settings import Settings
from tests.make import ADMIN, error_of, message_of, push_blob, sha256, sha512
from tests.registry.servers import Rows, ask, basic

DATA = b"0123456789"
DIGEST = sha256(DATA)
EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def begin(client: TestClient, repo: str, **params: str) -> str:
    started = client.post(f"/v2/{repo}/blobs/uploads/", params=params, auth=ADMIN)
    assert started.status_code == 202, started.text
    return str(started.headers["Location"])


def patch(client: TestClient, location: str, data: bytes, span: str = "") -> Any:
    headers = {"Content-Range": span} if span else {}
    return client.patch(location, content=data, headers=headers, auth=ADMIN)


def put(client: TestClient, location: str, digest: str, data: bytes = b"", span: str = "") -> Any:
    headers = {"Content-Range": span} if span else {}
    return client.put(
        location, params={"digest": digest}, content=data, headers=headers, auth=ADMIN
    )


def fetch(client: TestClient, repo: str, digest: str) -> bytes:
    answer = client.get(f"/v2/{repo}/blobs/{digest}", auth=ADMIN)
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def size(client: TestClient, location: str) -> str:
    """What the registry says it has: ``Range`` of the upload's status."""
    answer = client.get(location, auth=ADMIN)
    assert answer.status_code == 204, answer.text
    return str(answer.headers["Range"])


def in_pieces(*pieces: bytes) -> Iterator[bytes]:
    """As a body, this is sent chunked and without a length, as docker does."""
    yield from pieces


def test_an_upload_begins(shared: TestClient, repo: str) -> None:
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", auth=ADMIN)
    upload_id = answer.headers["Docker-Upload-UUID"]
    assert answer.status_code == 202
    assert re.fullmatch("[0-9a-f]{32}", upload_id)
    assert answer.headers["Location"] == f"/v2/{repo}/blobs/uploads/{upload_id}"
    assert answer.headers["Range"] == "0-0"
    assert answer.headers["Content-Length"] == "0"
    assert answer.content == b""


def test_the_path_may_do_without_its_last_slash(shared: TestClient, repo: str) -> None:
    assert shared.post(f"/v2/{repo}/blobs/uploads", auth=ADMIN).status_code == 202


def test_a_blob_is_pushed_in_one_request(shared: TestClient, repo: str) -> None:
    answer = shared.post(
        f"/v2/{repo}/blobs/uploads/", params={"digest": DIGEST}, content=DATA, auth=ADMIN
    )
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/{repo}/blobs/{DIGEST}"
    assert answer.headers["Docker-Content-Digest"] == DIGEST
    assert answer.content == b""
    assert fetch(shared, repo, DIGEST) == DATA


def test_a_blob_is_pushed_in_two_requests(shared: TestClient, repo: str) -> None:
    answer = put(shared, begin(shared, repo), DIGEST, DATA)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/{repo}/blobs/{DIGEST}"
    assert answer.headers["Docker-Content-Digest"] == DIGEST
    assert fetch(shared, repo, DIGEST) == DATA


def test_a_blob_is_pushed_as_docker_does(shared: TestClient, repo: str) -> None:
    """A HEAD, a POST, one PATCH of unknown length, a PUT without a body."""
    assert shared.head(f"/v2/{repo}/blobs/{DIGEST}", auth=ADMIN).status_code == 404
    location = begin(shared, repo)
    streamed = shared.patch(location, content=in_pieces(DATA[:3], DATA[3:]), auth=ADMIN)
    assert streamed.status_code == 202
    assert streamed.headers["Range"] == "0-9"
    assert streamed.headers["Docker-Upload-UUID"] == location.rpartition("/")[2]
    assert put(shared, streamed.headers["Location"], DIGEST).status_code == 201
    assert fetch(shared, repo, DIGEST) == DATA


def test_a_blob_is_pushed_in_chunks(shared: TestClient, repo: str) -> None:
    location = begin(shared, repo)
    first = patch(shared, location, DATA[:4], "0-3")
    assert (first.status_code, first.headers["Range"]) == (202, "0-3")
    second = patch(shared, first.headers["Location"], DATA[4:7], "4-6")
    assert (second.status_code, second.headers["Range"]) == (202, "0-6")
    last = put(shared, second.headers["Location"], DIGEST, DATA[7:], "7-9")
    assert last.status_code == 201
    assert fetch(shared, repo, DIGEST) == DATA


def test_patches_without_a_range_append(shared: TestClient, repo: str) -> None:
    location = begin(shared, repo)
    for byte in DATA:
        assert patch(shared, location, bytes([byte])).status_code == 202
    assert put(shared, location, DIGEST).status_code == 201


@pytest.mark.parametrize("span", ["0-9", "bytes 0-9/10", "bytes 0-9/*", "bytes=0-9", "0-9/10"])
def test_a_content_range_may_be_written_in_several_ways(
    shared: TestClient, repo: str, span: str
) -> None:
    answer = patch(shared, begin(shared, repo), DATA, span)
    assert (answer.status_code, answer.headers["Range"]) == (202, "0-9")


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("nonsense", (400, "BAD_REQUEST")),
        ("0-", (400, "BAD_REQUEST")),
        ("-5", (400, "BAD_REQUEST")),
        ("bytes */10", (400, "BAD_REQUEST")),
        ("0-٩", (400, "BAD_REQUEST")),
        ("0-" + 30 * "9", (400, "BAD_REQUEST")),
        ("9-0", (416, "RANGE_INVALID")),
    ],
)
def test_a_content_range_that_is_none_is_refused(
    shared: TestClient, repo: str, span: str, expected: tuple[int, str]
) -> None:
    location = begin(shared, repo)
    answer = shared.patch(
        location, content=DATA, headers={b"Content-Range": span.encode()}, auth=ADMIN
    )
    assert error_of(answer) == expected
    assert size(shared, location) == "0-0"


def test_an_upload_tells_how_far_it_is(shared: TestClient, repo: str) -> None:
    location = begin(shared, repo)
    patch(shared, location, DATA[:4])
    answer = shared.get(location, auth=ADMIN)
    assert answer.status_code == 204
    assert answer.headers["Range"] == "0-3"
    assert answer.headers["Location"] == location
    assert answer.headers["Docker-Upload-UUID"] == location.rpartition("/")[2]
    assert answer.content == b""


@pytest.mark.parametrize("span", ["0-3", "3-6", "5-8", "9-12"])
def test_a_chunk_out_of_order_is_refused_and_told_where_to_go_on(
    shared: TestClient, repo: str, span: str
) -> None:
    location = begin(shared, repo)
    patch(shared, location, DATA[:4], "0-3")
    refused = patch(shared, location, b"xxxx", span)
    assert error_of(refused) == (416, "RANGE_INVALID")
    assert refused.headers["Range"] == "0-3"
    assert refused.headers["Location"] == location
    assert refused.headers["Docker-Upload-UUID"] == location.rpartition("/")[2]
    assert patch(shared, location, DATA[4:], "4-9").status_code == 202
    assert put(shared, location, DIGEST).status_code == 201


def test_a_last_chunk_out_of_order_is_refused_and_the_upload_goes_on(
    shared: TestClient, repo: str
) -> None:
    location = begin(shared, repo)
    patch(shared, location, DATA[:4])
    refused = put(shared, location, DIGEST, DATA[5:], "5-9")
    assert error_of(refused) == (416, "RANGE_INVALID")
    assert refused.headers["Range"] == "0-3"
    assert put(shared, location, DIGEST, DATA[4:], "4-9").status_code == 201


def test_the_first_chunk_begins_at_the_beginning(shared: TestClient, repo: str) -> None:
    location = begin(shared, repo)
    refused = patch(shared, location, DATA, "5-14")
    assert error_of(refused) == (416, "RANGE_INVALID")
    assert refused.headers["Range"] == "0-0"


@pytest.mark.parametrize("span", ["0-8", "0-10", "0-0"])
def test_a_length_that_differs_from_the_range_is_a_lie(
    shared: TestClient, repo: str, span: str
) -> None:
    location = begin(shared, repo)
    assert error_of(patch(shared, location, DATA, span)) == (400, "SIZE_INVALID")
    assert size(shared, location) == "0-0"


@pytest.mark.parametrize(("pieces", "kept"), [((DATA[:4], DATA[4:]), "0-0"), ((DATA[:4],), "0-3")])
def test_a_stream_longer_or_shorter_than_its_range_is_a_lie(
    shared: TestClient, repo: str, pieces: tuple[bytes, ...], kept: str
) -> None:
    location = begin(shared, repo)
    answer = ask(
        shared, "PATCH", location, chunks=pieces, headers=[basic(), (b"content-range", b"0-6")]
    )
    assert answer.status_code == 400
    assert b"SIZE_INVALID" in answer.content
    assert size(shared, location) == kept


def test_a_patch_without_bytes_changes_nothing(shared: TestClient, repo: str) -> None:
    location = begin(shared, repo)
    patch(shared, location, DATA[:4])
    answer = patch(shared, location, b"")
    assert (answer.status_code, answer.headers["Range"]) == (202, "0-3")


def test_an_upload_can_be_cancelled(shared: TestClient, repo: str) -> None:
    location = begin(shared, repo)
    patch(shared, location, DATA)
    answer = shared.delete(location, auth=ADMIN)
    assert answer.status_code == 204
    assert answer.content == b""
    for method in ("GET", "PATCH", "DELETE"):
        gone = shared.request(method, location, auth=ADMIN)
        assert error_of(gone) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert error_of(put(shared, location, DIGEST)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_finished_upload_is_over(shared: TestClient, repo: str) -> None:
    location = begin(shared, repo)
    assert put(shared, location, DIGEST, DATA).status_code == 201
    for again in (put(shared, location, DIGEST, DATA), patch(shared, location, DATA)):
        assert error_of(again) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert fetch(shared, repo, DIGEST) == DATA


@pytest.mark.parametrize(
    "upload_id", [32 * "0", "1", 33 * "0", "%2e%2e", "a%2Fb", 32 * "A", "a%00b", "é"]
)
def test_an_upload_that_never_was_is_unknown(shared: TestClient, repo: str, upload_id: str) -> None:
    path = f"/v2/{repo}/blobs/uploads/{upload_id}"
    for method in ("GET", "PATCH", "DELETE"):
        answer = shared.request(method, path, auth=ADMIN)
        assert error_of(answer) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert error_of(put(shared, path, DIGEST, DATA)) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("how", ["at once", "in two", "in chunks"])
def test_an_empty_blob_is_a_blob(shared: TestClient, repo: str, how: str) -> None:
    if how == "at once":
        params = {"digest": EMPTY}
        done = shared.post(f"/v2/{repo}/blobs/uploads/", params=params, auth=ADMIN)
    else:
        location = begin(shared, repo)
        if how == "in chunks":
            patch(shared, location, b"")
        done = put(shared, location, EMPTY)
    assert done.status_code == 201
    assert fetch(shared, repo, EMPTY) == b""
    assert shared.head(f"/v2/{repo}/blobs/{EMPTY}", auth=ADMIN).headers["Content-Length"] == "0"


@pytest.mark.parametrize("how", ["at once", "in two", "in chunks"])
def test_a_digest_may_be_a_sha512(shared: TestClient, repo: str, how: str) -> None:
    digest = sha512(DATA)
    if how == "at once":
        params = {"digest": digest}
        done = shared.post(f"/v2/{repo}/blobs/uploads/", params=params, content=DATA, auth=ADMIN)
    else:
        location = begin(shared, repo)
        if how == "in chunks":
            patch(shared, location, DATA[:5])
        done = put(shared, location, digest, DATA[5:] if how == "in chunks" else DATA)
    assert done.status_code == 201
    assert done.headers["Docker-Content-Digest"] == digest
    assert fetch(shared, repo, digest) == DATA
    assert shared.head(f"/v2/{repo}/blobs/{DIGEST}", auth=ADMIN).status_code == 404


@pytest.mark.parametrize("algorithm", [sha256, sha512])
def test_a_wrong_digest_ends_the_upload(shared: TestClient, repo: str, algorithm: Any) -> None:
    location = begin(shared, repo)
    patch(shared, location, DATA)
    refused = put(shared, location, algorithm(b"else"))
    assert error_of(refused) == (400, "DIGEST_INVALID")
    assert algorithm(DATA) in message_of(refused)
    assert error_of(shared.get(location, auth=ADMIN)) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert shared.head(f"/v2/{repo}/blobs/{algorithm(b'else')}", auth=ADMIN).status_code == 404


def test_a_wrong_digest_at_once_leaves_nothing(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    params = {"digest": sha256(b"else")}
    refused = shared.post(f"/v2/{repo}/blobs/uploads/", params=params, content=DATA, auth=ADMIN)
    assert error_of(refused) == (400, "DIGEST_INVALID")
    assert shared_rows(f"SELECT id FROM blob_upload WHERE repository = '{repo}'") == []


@pytest.mark.parametrize(
    "digest",
    ["", "sha256", "sha256:", "sha256:abc", DIGEST.upper(), DIGEST + "0", "md5:" + 32 * "0",
     DIGEST + "\n", "sha256:" + 64 * "g", "../../etc/passwd", "sha512:" + 64 * "0"],
)  # fmt: skip
def test_an_upload_needs_a_digest_to_be_finished(
    shared: TestClient, repo: str, digest: str
) -> None:
    location = begin(shared, repo)
    assert error_of(put(shared, location, digest, DATA)) == (400, "DIGEST_INVALID")
    assert put(shared, location, DIGEST, DATA).status_code == 201


def test_a_digest_that_is_missing_altogether_is_invalid(shared: TestClient, repo: str) -> None:
    location = begin(shared, repo)
    refused = shared.put(location, content=DATA, auth=ADMIN)
    assert error_of(refused) == (400, "DIGEST_INVALID")


def test_an_upload_at_once_with_an_odd_digest_does_not_begin(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    params = {"digest": "sha256:abc"}
    refused = shared.post(f"/v2/{repo}/blobs/uploads/", params=params, content=DATA, auth=ADMIN)
    assert error_of(refused) == (400, "DIGEST_INVALID")
    assert shared_rows(f"SELECT id FROM blob_upload WHERE repository = '{repo}'") == []


def test_pushing_the_same_blob_again_is_no_error(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    data = repo.encode()
    for _ in range(3):
        digest = push_blob(shared, repo, data)
    assert shared_rows(f"SELECT size FROM blob WHERE digest = '{digest}'") == [(len(data),)]
    held = f"SELECT repository FROM repository_blob WHERE digest = '{digest}'"
    assert shared_rows(held) == [(repo,)]


def test_two_uploads_of_one_blob_may_run_side_by_side(shared: TestClient, repo: str) -> None:
    one, two = begin(shared, repo), begin(shared, repo)
    patch(shared, one, DATA[:5])
    patch(shared, two, DATA[:3])
    patch(shared, one, DATA[5:])
    patch(shared, two, DATA[3:])
    assert put(shared, two, DIGEST).status_code == 201
    assert put(shared, one, DIGEST).status_code == 201
    assert fetch(shared, repo, DIGEST) == DATA


def test_an_upload_goes_on_after_a_restart(settings: Settings) -> None:
    with TestClient(Building(settings)) as client:
        location = begin(client, "library/app")
        patch(client, location, DATA[:4])
    with TestClient(Building(settings)) as client:
        assert size(client, location) == "0-3"
        assert patch(client, location, DATA[4:6], "4-5").status_code == 202
    with TestClient(Building(settings)) as client:
        assert put(client, location, DIGEST, DATA[6:]).status_code == 201
        assert fetch(client, "library/app", DIGEST) == DATA


def test_unknown_parameters_do_not_matter(shared: TestClient, repo: str) -> None:
    location = begin(shared, repo, _state="abc", digested="x")
    done = shared.put(
        location, params={"_state": "abc", "digest": DIGEST}, content=DATA, auth=ADMIN
    )
    assert done.status_code == 201
