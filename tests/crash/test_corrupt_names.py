"""Bad names, tags, numbers, methods and headers: the grammar is checked before anything is done."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.client import ADMIN, Client, basic, image, push_image, sha256
from tests.crash.conftest import servers
from tests.crash.hostile import TIMEOUT_S, check, exchange, nothing_stored, refused
from tests.crash.server import Server

pytestmark = pytest.mark.crash
REPOSITORY = "library/names"
LAYER_DATA = b"a layer"
RAW = image(b"{}", LAYER_DATA)
BLOB = f"/v2/{REPOSITORY}/blobs/{sha256(LAYER_DATA)}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("names")
    with servers(folder) as make:
        made = make(failed_login_delay_s=0, header_timeout_s=2)
        made.start()
        with Client(made.port) as client:
            push_image(client, REPOSITORY, "v1", LAYER_DATA)
            client.push_blob(REPOSITORY, b"{}")
        yield made


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with nothing_stored(server), Client(server.port, timeout_s=TIMEOUT_S) as client:
        yield client


NAMES = [
    "..",
    "library/..",
    "library/../other",
    "library/%2e%2e/names",
    "%2e%2e/%2e%2e/etc/passwd",
    "library%2Fnames",
    "library%2f..%2f..%2fetc",
    "library/na%00mes",
    "library/na%0Ames",
    "library/names%0D%0AX-Injected:%201",
    "library/na%20mes",
    "library/%F0%9F%8E%89",
    "library/%FF%FE",
    "library/%E2%80%AEsemaN",
    "library/%D0%B0",  # a Cyrillic a
    "library/UPPER",
    "LIBRARY/names",
    "library/-names",
    "library/names-",
    "library/na..mes",
    "library/na___mes",
    "library/.names",
    "library/_names",
    "library/" + "a" * 300,
    "library/" + "a/" * 200 + "a",
    "a" * 5000,
    "library/%",
    "library/%zz",
    "library/%u0041",
    "library/names;x=1",
    "library/names\\..\\..",
    "library/~root",
    "library/$(id)",
    "library/'; DROP TABLE blob; --".replace(" ", "%20"),
    "library/{name}",
    "library/%25252e%25252e",
    "nosuchproject/app",
    "names",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_none_is_refused(client: Client, name: str) -> None:
    for method, rest in (
        ("GET", "tags/list"),
        ("GET", "manifests/v1"),
        ("HEAD", "manifests/v1"),
        ("PUT", "manifests/v1"),
        ("DELETE", "manifests/v1"),
        ("GET", f"blobs/{sha256(LAYER_DATA)}"),
        ("DELETE", f"blobs/{sha256(LAYER_DATA)}"),
        ("POST", "blobs/uploads/"),
        ("POST", f"blobs/uploads/?mount={sha256(LAYER_DATA)}&from={REPOSITORY}"),
        ("GET", f"referrers/{sha256(RAW)}"),
        ("GET", "blobs/uploads/" + "0" * 32),
    ):
        answer = refused(client, method, f"/v2/{name}/{rest}", RAW if method == "PUT" else None)
        assert answer.status in (400, 401, 404), (method, answer)
    for query in (f"mount={sha256(LAYER_DATA)}&from={name}", f"from={name}", f"mount={name}"):
        answer = client.call("POST", f"/v2/{REPOSITORY}/blobs/uploads/?{query}")
        check(answer)
        if answer.status == 202:
            assert client.call("DELETE", answer.location).status == 204
        assert answer.status != 201 or name == "library%2Fnames"  # rightly escaped in a query


TAGS = [
    "..",
    "%2e%2e",
    ".hidden",
    "-dash",
    "a" * 129,
    "a" * 10_000,
    "v1%00",
    "v1%0A",
    "v1%20",
    "v%2F1",
    "%F0%9F%8E%89",
    "%FF",
    "v1+meta",
    "v1%3Fx",
    "%D9%A1",  # an Arabic one
    "sha256:" + "0" * 63,
    "sha256:" + "0" * 65,
    "sha256:%2e%2e%2f" + "0" * 55,
    "sha256:" + "A" * 64,
    ":",
    "@",
    "*",
]


@pytest.mark.parametrize("tag", TAGS)
def test_a_reference_that_is_none_is_refused(client: Client, tag: str) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        body = RAW if method == "PUT" else None
        answer = refused(client, method, f"/v2/{REPOSITORY}/manifests/{tag}", body)
        assert answer.status in (400, 404), (method, answer)
    for place in ("blobs", "referrers"):
        assert refused(client, "GET", f"/v2/{REPOSITORY}/{place}/{tag}").status in (400, 404)


NUMBERS = ["-1", "1e9", "1.5", "9" * 30, "9" * 5000, "0x10", "x", "٣", "%D9%A3", "1%00", " 1", "+1"]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_is_none_is_refused(client: Client, number: str) -> None:
    number = number.replace(" ", "%20").replace("٣", "%D9%A3")
    for path in (f"/v2/{REPOSITORY}/tags/list", "/v2/_catalog"):
        answer = refused(client, "GET", f"{path}?n={number}")
        # A plus is a space, and 30 digits are a number after all: they may be borne.
        assert answer.status in ((200, 400, 422) if number[:2] in ("99", "+1") else (400, 422))


def test_lists_bear_odd_queries(client: Client) -> None:
    for path in (f"/v2/{REPOSITORY}/tags/list", "/v2/_catalog"):
        for query in ("n=0", "n=1000000000", "n=2147483648", "n=1&n=2", "last=%00", "last=" + "x" * 9000,
                      "last=%FF%FE", "last=../..", "last='--", "n=&last=", "&&&=&=", "%", "n[]=1",
                      "n=1;last=2", "a=1&" * 500):  # fmt: skip
            assert refused(client, "GET", f"{path}?{query}").status in (200, 400, 404, 422)


RANGES = [
    "bytes=5-2",
    "bytes=-0",
    "bytes=100-",
    "bytes=7-7",
    "bytes=-",
    "bytes=a-b",
    "bytes=0-0,2-3",
    "bytes=" + ",".join(["0-1"] * 5000),
    "bytes=" + "9" * 40 + "-",
    "bytes=-" + "9" * 40,
    "bytes=0-" + "9" * 40,
    "lines=0-1",
    "bytes",
    "bytes=0-1-2",
    "bytes=--1",
    "bytes=0x1-0x2",
    "bytes=\t0-1",
    "",
    "\xff",
]


@pytest.mark.parametrize("said", RANGES)
def test_a_range_is_served_refused_or_ignored(client: Client, said: str) -> None:
    answer = client.call("GET", BLOB, None, {"Range": said})
    check(answer, path=BLOB)
    assert answer.status in (200, 206, 400, 416)
    if answer.status == 200:
        assert answer.body == LAYER_DATA
    if answer.status == 206:
        assert answer.body
        assert answer.body in LAYER_DATA


METHODS = [
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "PATCH",
    "POST",
    "PUT",
    "DELETE",
    "BREW",
    "get",
]


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_method_is_refused(client: Client, server: Server, method: str) -> None:
    for path in (
        "/v2/",
        "/v2/_catalog",
        f"/v2/{REPOSITORY}/tags/list",
        "/service/token",
        "/nowhere",
    ):
        sent = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(ADMIN)}\r\n\r\n"
        answer = exchange(server.port, sent.encode())
        assert answer is not None
        if method != "CONNECT":  # which has no path, strictly
            check(answer, path=path)
        assert answer.status in (400, 404, 405), (path, answer)


AUTHORIZATIONS = [
    "",
    "Basic",
    "Basic ",
    "Basic !!!!",
    "Basic YWRtaW4",
    "Basic YWRtaW46SGFyYm9yMTIzNDU=AAAA",
    "Basic " + "A" * 30_000,
    "Basic AAAA",  # three nulls
    "Basic YWRtaW4AOkhhcmJvcjEyMzQ1",  # a null in the name
    "Basic YWRtaW46SGFyYm9yMTIzNDUA",  # and in the password
    "Basic /////w==",
    "Basic OkhhcmJvcjEyMzQ1",  # no name
    "Basic YWRtaW46",  # no password
    "Basic \xff\xfe",
    "basic",
    "Bearer",
    "Bearer ",
    "Bearer x",
    "Bearer a.b.c",
    "Bearer ..",
    "Bearer " + "." * 30_000,
    "Bearer " + "A" * 60_000,
    "Bearer \xff.\xff.\xff",
    "Digest username=admin",
    "Negotiate AAAA",
    "admin:Harbor12345",
    "Basic YWRtaW46SGFyYm9yMTIzNDU=, Basic eDp5",
    "\x01\x02",
]


@pytest.mark.parametrize("said", AUTHORIZATIONS)
def test_credentials_that_are_none_are_refused(client: Client, server: Server, said: str) -> None:
    with Client(server.port, None, timeout_s=TIMEOUT_S) as stranger:
        for path in ("/v2/", "/v2/_catalog", BLOB, f"/v2/{REPOSITORY}/manifests/v1"):
            answer = stranger.call("GET", path, None, {"Authorization": said})
            check(answer, path=path)
            # The library project is public, so what it holds may be read by anybody who tries.
            public = path.startswith(f"/v2/{REPOSITORY}/")
            assert answer.status in ((200, 400, 401, 431) if public else (400, 401, 431)), answer
        told = {"Authorization": said}
        answer = stranger.call("POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"", told)
        check(answer)
        assert answer.status in (400, 401, 431)
        token = "/service/token?service=harbor-registry"
        assert stranger.call("GET", token, None, told).status in (400, 401, 431)
