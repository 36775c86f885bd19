"""The roads on which a blob comes into a repository; each returns the last answer."""

from collections.abc import Callable, Iterator
from typing import Any

from starlette.testclient import TestClient

from tests.make import ADMIN, push_blob, sha256
from tests.quotas.storage import begin, mount, post, put

Road = Callable[[TestClient, str, bytes], Any]


def unmeasured(data: bytes) -> Iterator[bytes]:
    """As a body, this is sent without a length, as docker does."""
    yield data


def in_one(client: TestClient, repo: str, data: bytes) -> Any:
    return post(client, repo, data)


def in_one_unmeasured(client: TestClient, repo: str, data: bytes) -> Any:
    path, asked = f"/v2/{repo}/blobs/uploads/", {"digest": sha256(data)}
    return client.post(path, params=asked, content=unmeasured(data), auth=ADMIN)


def in_two(client: TestClient, repo: str, data: bytes) -> Any:
    return put(client, begin(client, repo), sha256(data), data)


def in_two_unmeasured(client: TestClient, repo: str, data: bytes) -> Any:
    return put(client, begin(client, repo), sha256(data), unmeasured(data))


def in_chunks(client: TestClient, repo: str, data: bytes) -> Any:
    location, half = begin(client, repo), len(data) // 2
    span = {"Content-Range": f"0-{half - 1}"}
    answer = client.patch(location, content=data[:half], headers=span, auth=ADMIN)
    assert answer.status_code == 202, answer.text
    return client.put(
        location,
        params={"digest": sha256(data)},
        content=data[half:],
        headers={"Content-Range": f"{half}-{len(data) - 1}"},
        auth=ADMIN,
    )


def as_a_stream(client: TestClient, repo: str, data: bytes) -> Any:
    location = begin(client, repo)
    answer = client.patch(location, content=unmeasured(data), auth=ADMIN)
    assert answer.status_code == 202, answer.text
    return put(client, location, sha256(data))


def by_mount(client: TestClient, repo: str, data: bytes) -> Any:
    push_blob(client, "library/base", data)
    return mount(client, repo, sha256(data), "library/base")


UPLOADS: list[Road] = [
    in_one,
    in_one_unmeasured,
    in_two,
    in_two_unmeasured,
    in_chunks,
    as_a_stream,
]
ROADS = [*UPLOADS, by_mount]
