"""Fetching blobs: headers, ranges, what a client has already, redirects, damage."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.core.settings import Settings
from harbor.core.storage.memory import MemoryStore
from tests.conftest import Start
from tests.make import ADMIN, error_of, push_blob, sha256, sha512
from tests.registry.servers import ask, basic

DATA = bytes(range(100))
DIGEST = sha256(DATA)
EMPTY = sha256(b"")


@pytest.fixture(scope="module")
def path(shared: TestClient) -> str:
    """The path of a blob of a hundred bytes."""
    return f"/v2/library/app/blobs/{push_blob(shared, 'library/app', DATA)}"


def get(client: TestClient, path: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(path, headers=named, auth=ADMIN)


def facts(answer: Any) -> dict[str, str]:
    """The headers, without the one that is never the same."""
    found = {name.lower(): value for name, value in answer.headers.items()}
    assert found.pop("x-request-id")
    return found


FACTS = {
    "content-type": "application/octet-stream",
    "docker-content-digest": DIGEST,
    "etag": f'"{DIGEST}"',
    "cache-control": "max-age=31536000",
    "accept-ranges": "bytes",
    "docker-distribution-api-version": "registry/2.0",
}


def test_a_blob_is_fetched(shared: TestClient, path: str) -> None:
    answer = get(shared, path)
    assert answer.status_code == 200
    assert facts(answer) == FACTS | {"content-length": "100"}
    assert answer.content == DATA


def test_the_head_of_a_blob_is_that_of_the_whole(shared: TestClient, path: str) -> None:
    answer = shared.head(path, auth=ADMIN)
    assert answer.status_code == 200
    assert facts(answer) == FACTS | {"content-length": "100"}
    assert answer.content == b""


def test_a_head_takes_no_notice_of_a_range(shared: TestClient, path: str) -> None:
    answer = shared.head(path, headers={"Range": "bytes=0-9"}, auth=ADMIN)
    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == "100"


def test_a_head_is_sent_without_a_body(shared: TestClient, path: str) -> None:
    assert ask(shared, "HEAD", path, headers=[basic()]).content == b""


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_unknown_blob_is_not_found(shared: TestClient, method: str) -> None:
    answer = shared.request(method, f"/v2/library/app/blobs/{sha256(b'unknown')}", auth=ADMIN)
    assert answer.status_code == 404
    if method == "GET":
        assert error_of(answer) == (404, "BLOB_UNKNOWN")


@pytest.mark.parametrize("name", ["library/other", "library/no/such/repository"])
def test_a_blob_is_served_in_its_repository_only(shared: TestClient, path: str, name: str) -> None:
    answer = get(shared, path.replace("library/app", name))
    assert error_of(answer) == (404, "BLOB_UNKNOWN")


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:abc",
        "nonsense",
        "sha256:" + 64 * "A",
        "md5:" + 32 * "0",
        "sha256:" + 65 * "a",
        "a b",
    ],
)
def test_what_is_no_digest_names_no_blob(shared: TestClient, digest: str) -> None:
    for method in ("GET", "DELETE"):
        answer = shared.request(method, f"/v2/library/app/blobs/{digest}", auth=ADMIN)
        assert error_of(answer) == (400, "DIGEST_INVALID")


def test_the_colon_of_a_digest_may_be_escaped(shared: TestClient, path: str) -> None:
    assert ask(shared, "GET", path.replace(":", "%3A"), headers=[basic()]).content == DATA


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=0-0", 0, 1),
        ("bytes=10-", 10, 100),
        ("bytes=99-", 99, 100),
        ("bytes=-1", 99, 100),
        ("bytes=-30", 70, 100),
        ("bytes=-1000", 0, 100),
        ("bytes=90-1000", 90, 100),
        ("bytes=0-99", 0, 100),
        ("bytes=0-", 0, 100),
        (" bytes=5-6 ", 5, 7),
    ],
)
def test_a_part_of_a_blob_is_fetched(
    shared: TestClient, path: str, asked: str, start: int, stop: int
) -> None:
    answer = get(shared, path, Range=asked)
    assert answer.status_code == 206
    assert answer.content == DATA[start:stop]
    assert facts(answer) == FACTS | {
        "content-length": str(stop - start),
        "content-range": f"bytes {start}-{stop - 1}/100",
    }


@pytest.mark.parametrize(
    "asked", ["bytes=100-", "bytes=100-200", "bytes=1000-", "bytes=-0", "bytes=9-0"]
)
def test_a_range_that_lies_outside_is_refused(shared: TestClient, path: str, asked: str) -> None:
    answer = get(shared, path, Range=asked)
    assert error_of(answer) == (416, "RANGE_INVALID")
    assert answer.headers["Content-Range"] == "bytes */100"


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,5-6", "items=0-9", "bytes", "bytes=", "bytes=-", "bytes=a-b", "0-9",
     "bytes=0-9;x", "bytes=" + 30 * "9" + "-"],
)  # fmt: skip
def test_what_is_no_single_range_is_ignored(shared: TestClient, path: str, asked: str) -> None:
    answer = get(shared, path, Range=asked)
    assert answer.status_code == 200
    assert answer.content == DATA


def test_an_empty_blob_has_no_parts(shared: TestClient) -> None:
    push_blob(shared, "library/app", b"")
    path = f"/v2/library/app/blobs/{EMPTY}"
    assert get(shared, path).content == b""
    assert get(shared, path).headers["Content-Length"] == "0"
    refused = get(shared, path, Range="bytes=0-")
    assert error_of(refused) == (416, "RANGE_INVALID")
    assert refused.headers["Content-Range"] == "bytes */0"


@pytest.mark.parametrize(
    "known",
    [f'"{DIGEST}"', DIGEST, f'W/"{DIGEST}"', f'"other", "{DIGEST}"', "*", f' "{DIGEST}" '],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_a_client_has_already_is_not_sent_again(
    shared: TestClient, path: str, method: str, known: str
) -> None:
    answer = shared.request(method, path, headers={"If-None-Match": known}, auth=ADMIN)
    assert answer.status_code == 304
    assert answer.content == b""
    assert facts(answer) == FACTS


@pytest.mark.parametrize("known", ['"other"', "", f'"{EMPTY}"', DIGEST[:-1]])
def test_another_version_is_sent(shared: TestClient, path: str, known: str) -> None:
    assert get(shared, path, If_None_Match=known).status_code == 200


@pytest.mark.parametrize(
    ("version", "status"),
    [
        (f'"{DIGEST}"', 206),
        ('"another"', 200),
        (f'W/"{DIGEST}"', 200),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 200),
    ],
)
def test_a_part_is_sent_of_the_version_that_the_client_has(
    shared: TestClient, path: str, version: str, status: int
) -> None:
    answer = get(shared, path, Range="bytes=0-9", If_Range=version)
    assert answer.status_code == status
    assert answer.content == (DATA[:10] if status == 206 else DATA)


def test_a_broken_download_is_taken_up_again(shared: TestClient, repo: str) -> None:
    data = b"".join(n.to_bytes(4, "big") for n in range(300_000))
    path = f"/v2/{repo}/blobs/{push_blob(shared, repo, data)}"
    first = ask(shared, "GET", path, headers=[basic()], leaves_after=300_000)
    assert 300_000 <= len(first.content) < len(data)
    rest = get(shared, path, Range=f"bytes={len(first.content)}-")
    assert rest.status_code == 206
    assert first.content + rest.content == data


def test_a_blob_of_many_pieces_arrives_whole(shared: TestClient, repo: str) -> None:
    data = b"".join(n.to_bytes(4, "big") for n in range(500_000))
    for digest in (push_blob(shared, repo, data), sha512(data)):
        if digest != sha256(data):
            params = {"digest": digest}
            shared.post(f"/v2/{repo}/blobs/uploads/", params=params, content=data, auth=ADMIN)
        answer = get(shared, f"/v2/{repo}/blobs/{digest}")
        assert answer.headers["Content-Length"] == str(len(data))
        assert answer.content == data


def test_a_store_may_redirect(start: Start) -> None:
    client = start(store=MemoryStore(redirect_to="https://s3.example.com/bucket"))
    path = f"/v2/library/app/blobs/{push_blob(client, 'library/app', DATA)}"
    answer = get(client, path)
    assert answer.status_code == 307
    assert answer.headers["Location"] == f"https://s3.example.com/bucket/{DIGEST}"
    assert answer.headers["Docker-Content-Digest"] == DIGEST
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert answer.content == b""
    head = client.head(path, auth=ADMIN)
    assert (head.status_code, head.headers["Content-Length"]) == (200, "100")
    assert client.get(path).status_code == 401


def file_of(settings: Settings, digest: str) -> Any:
    (found,) = (settings.data / "blobs").rglob(digest.partition(":")[2])
    return found


def test_a_blob_whose_file_is_lost_is_cleanly_unknown(start: Start, settings: Settings) -> None:
    client = start()
    path = f"/v2/library/app/blobs/{push_blob(client, 'library/app', DATA)}"
    file_of(settings, DIGEST).unlink()
    answer = get(client, path)
    assert error_of(answer) == (404, "BLOB_UNKNOWN")
    assert str(settings.data) not in answer.text
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert push_blob(client, "library/app", DATA) == DIGEST
    assert get(client, path).content == DATA


def test_a_blob_whose_file_was_cut_is_never_sent_as_if_it_were_whole(
    start: Start, settings: Settings
) -> None:
    client = start()
    path = f"/v2/library/app/blobs/{push_blob(client, 'library/app', DATA)}"
    file_of(settings, DIGEST).write_bytes(DATA[:60])
    answer = get(client, path)
    whole = answer.status_code == 200 and answer.headers["Content-Length"] == "100"
    assert not whole
    assert push_blob(client, "library/app", DATA) == DIGEST
    assert get(client, path).content == DATA
