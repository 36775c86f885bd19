"""Bad requests of every kind: refused with the right code, in OCI's form, and nothing is kept."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.client import (
    CONFIG,
    LAYER,
    OCI_INDEX,
    OCI_MANIFEST,
    OCTETS,
    Body,
    Client,
    content,
    descriptor,
    expect,
    image,
    pieces,
    push_image,
    sha256,
    with_digest,
)
from tests.crash.conftest import servers
from tests.crash.hostile import TIMEOUT_S, check, nothing_stored, refused
from tests.crash.server import Server

pytestmark = pytest.mark.crash
REPOSITORY = "library/corrupt"
BASE = f"/v2/{REPOSITORY}"
LAYER_DATA = b"a layer"
CONFIG_DATA = json.dumps({"image": REPOSITORY, "tag": "v1"}).encode()
MIB = 1024 * 1024
NOWHERE = "sha256:" + "0" * 64
FOREIGN = {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("corrupt")
    with servers(folder) as make:
        made = make(failed_login_delay_s=0)
        made.start()
        with Client(made.port) as client:
            push_image(client, REPOSITORY, "v1", LAYER_DATA)
        yield made


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with nothing_stored(server), Client(server.port, timeout_s=TIMEOUT_S) as client:
        yield client


def put_manifest(client: Client, raw: Body, media_type: str = OCI_MANIFEST) -> tuple[int, str]:
    told = {"Content-Type": media_type}
    answer = refused(client, "PUT", f"{BASE}/manifests/bad", raw, told)
    return answer.status, answer.codes[0] if answer.status >= 400 else ""


@pytest.mark.parametrize(
    "said",
    [
        NOWHERE,
        "sha256:" + "0" * 63,
        "sha256:" + "G" * 64,
        "sha256:" + hashlib.sha256(b"data").hexdigest().upper(),
        "md5:" + "0" * 32,
        "sha512:" + "0" * 128,
        "sha512:" + "0" * 64,
        "",
        "sha256:",
        "x",
        "sha256:../../../../etc/passwd",
        "sha256:%00" + "0" * 61,
        "sha256%3A" + "0" * 64 + "%0A",
        "a" * 5000,
    ],
)
def test_a_blob_of_another_digest_is_refused(client: Client, said: str) -> None:
    place = client.begin(REPOSITORY)
    for method, path in (("PUT", place), ("POST", f"{BASE}/blobs/uploads/")):
        answer = refused(client, method, f"{path}?digest={said or 'x'}", b"data", OCTETS)
        assert (answer.status, answer.codes) in (
            (400, ["DIGEST_INVALID"]),
            (422, ["UNPROCESSABLE_ENTITY"]),  # a null character, which is no text of any kind
        )
    client.call("DELETE", place)


def test_a_chunk_out_of_order_is_refused_and_the_rest_goes_on(client: Client) -> None:
    place = client.begin(REPOSITORY)
    for told, statuses in (
        ("5-8", {416}),
        ("1-4", {416}),
        ("4-0", {400, 416}),
        ("0-", {400, 416}),
        ("-4", {400, 416}),
        ("bytes 0-3/*", {202}),
        ("0-3", {416}),
        ("3-6", {416}),
        ("5-8", {416}),
        ("99999999999999999999-99999999999999999999", {400, 416}),
        ("999999999999999999-999999999999999999", {400, 416}),
        ("x", {400, 416}),
        ("\u0664-\u0667", {400, 416}),
        ("4-99", {400, 416}),  # longer than what is sent
        ("4-5", {400, 416}),  # shorter
        ("4-7", {202}),
    ):
        headers = {"Content-Range": told.encode().decode("latin-1")} | OCTETS
        answer = refused(client, "PATCH", place, b"abcd", headers)
        assert answer.status in statuses, (told, answer)
    assert expect(client.get(place), 204).offset == 8
    answer = client.call("PUT", with_digest(place, sha256(LAYER_DATA)), b"", OCTETS)
    assert answer.codes == ["DIGEST_INVALID"]
    assert client.get(place).status == 404


def test_a_chunk_that_is_not_as_long_as_it_says_is_refused(client: Client) -> None:
    place = client.begin(REPOSITORY)
    for length in (3, 5, 100_000):
        told = {"Content-Range": f"0-{length - 1}"} | OCTETS
        answer = refused(client, "PATCH", place, pieces(b"abcd"), told)
        assert answer.status in (400, 416), (length, answer)
        assert expect(client.get(place), 204).offset <= 4
        client.call("DELETE", place)
        place = client.begin(REPOSITORY)
    client.call("DELETE", place)


def test_a_manifest_that_is_too_large_is_refused_however_it_comes(client: Client) -> None:
    for nbytes in (4 * MIB + 1, 9 * MIB):
        raw = image(CONFIG_DATA, LAYER_DATA, annotations={"a": "x" * nbytes})
        for body in (raw, pieces(raw)):
            status, code = put_manifest(client, body)
            assert (status, code != "") == (413, True)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"1e999",
        b'"text"',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"{}",
        b'{"schemaVersion":2}',
        b'{"schemaVersion":1}',
        b'{"schemaVersion":2,"config":null,"layers":null}',
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"schemaVersion":2,"manifests":[{"platform":' + b"[" * 200_000 + b"}",
        b'{"schemaVersion":2,"annotations":{"a":' + b"9" * 100_000 + b"}}",
        b'{"schemaVersion":' + b"9" * 1_000_000 + b"}",
        b'{"schemaVersion":2e0}',
        b'{"schemaVersion":NaN}',
        b"\0" * 1000,
        b"PK\3\4" + bytes(1000),
    ],
)
def test_a_manifest_that_is_none_is_refused(client: Client, raw: bytes) -> None:
    for media_type in (OCI_MANIFEST, OCI_INDEX, "", "application/json", "text/\xff"):
        status, code = put_manifest(client, raw, media_type)
        assert (status, code) == (400, "MANIFEST_INVALID"), (raw[:50], media_type)


def changed(**more: Any) -> bytes:
    document = json.loads(image(CONFIG_DATA, LAYER_DATA))
    return json.dumps(document | more).encode()


def config(**more: Any) -> bytes:
    return changed(config=descriptor(CONFIG_DATA, CONFIG) | more)


def layers(*more: dict[str, Any]) -> bytes:
    return changed(layers=[descriptor(LAYER_DATA, LAYER) | each for each in more])


BAD_MANIFESTS = {
    "no config": changed(config=None),
    "no layers": changed(layers=None),
    "layers no list": changed(layers={}),
    "missing blob": config(digest=NOWHERE),
    "missing layer": layers({"digest": NOWHERE}),
    "bad digest": config(digest="sha256:../../etc/passwd"),
    "unknown algorithm": config(digest="md5:" + "0" * 32),
    "digest no text": config(digest=7),
    "negative size": config(size=-1),
    "size text": config(size="7"),
    "size fraction": config(size=7.5),
    "huge size": config(size=2**63),
    "very huge size": config(size=10**400),
    "media types differ": changed(mediaType=OCI_INDEX),
    "media type of 300": config(mediaType="x" * 300),
    "null in media type": config(mediaType="a\0b"),
    "null in artifact type": changed(artifactType="a\0b"),
    "lone surrogate": changed(artifactType="\ud800"),
    "annotations no text": changed(annotations={"a": 1}),
    "manifest and index": changed(manifests=[]),
    "schema 1": changed(fsLayers=[{"blobSum": NOWHERE}], schemaVersion=1),
    "subject bad": changed(subject={"mediaType": "x", "digest": "x", "size": 1}),
    "subject no object": changed(subject="x"),
    "version text": changed(schemaVersion="2"),
    "version 3": changed(schemaVersion=3),
    "version true": changed(schemaVersion=True),
    "20,000 missing layers": layers(*({"digest": f"sha256:{n:064x}"} for n in range(20_000))),
}


@pytest.mark.parametrize("name", BAD_MANIFESTS)
def test_a_manifest_with_something_wrong_is_refused(client: Client, name: str) -> None:
    status, code = put_manifest(client, BAD_MANIFESTS[name])
    assert (status, code[:8]) == (400, "MANIFEST")


def test_an_index_with_something_wrong_is_refused(client: Client) -> None:
    child = {"mediaType": OCI_MANIFEST, "digest": NOWHERE, "size": 1}
    lists: list[object] = [
        [child],
        [child | {"digest": f"sha256:{n:064x}"} for n in range(20_000)],
        [child | {"platform": "text"}],
        [child | {"platform": {"os": "x" * 10}, "size": -1}],
        [{}],
        "text",
        None,
    ]
    for children in lists:
        raw = json.dumps(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}
        ).encode()
        status, code = put_manifest(client, raw, OCI_INDEX)
        assert (status, code[:8]) == (400, "MANIFEST"), children


def test_a_manifest_under_another_digest_is_refused(client: Client) -> None:
    raw = image(CONFIG_DATA, LAYER_DATA)
    for reference in (NOWHERE, "sha512:" + "0" * 128, "md5:" + "0" * 32, "sha256:x", "a:b"):
        answer = refused(client, "PUT", f"{BASE}/manifests/{reference}", raw, {})
        assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"]), reference


def test_odd_manifests_that_are_allowed_can_be_read_again(server: Server) -> None:
    """What is odd but legal is kept as it is: nothing of it may break a later answer."""
    odd = [
        changed(annotations={"a\0b": "c\0d", "é": "🎉", "x" * 5000: "y" * 50_000}),
        changed(unknown={"deep": [[[[1]]]]}, annotations={}),
        changed(artifactType="x" * 255),
        changed(layers=[descriptor(LAYER_DATA, LAYER)] * 2000),
        changed(subject=descriptor(b"not here yet", OCI_MANIFEST)),
        layers({"size": 2**63 - 1}),
        layers(*({"size": 2**63 - 1, "digest": f"sha256:{n:064x}"} | FOREIGN for n in range(3))),
    ]
    with Client(server.port, timeout_s=TIMEOUT_S) as client:
        for number, raw in enumerate(odd):
            path = f"/v2/library/odd/manifests/v{number}"
            for data in (CONFIG_DATA, LAYER_DATA):
                client.push_blob("library/odd", data)
            answer = client.put_manifest("library/odd", f"v{number}", raw)
            check(answer, path=path, method="PUT")
            assert answer.status in (201, 400), (number, answer)
            if answer.status == 201:
                assert expect(client.get(path), 200).body == raw
        for subject in (sha256(b"not here yet"), NOWHERE):
            expect(client.get(f"/v2/library/odd/referrers/{subject}"), 200)


def test_an_index_of_as_many_children_as_fit_does_not_stop_the_server(server: Server) -> None:
    raw = image(CONFIG_DATA, LAYER_DATA)
    children = [descriptor(raw, OCI_MANIFEST)] * 26_000
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}
    with Client(server.port, timeout_s=TIMEOUT_S) as client:
        for data in (CONFIG_DATA, LAYER_DATA):
            client.push_blob("library/many", data)
        expect(client.put_manifest("library/many", "v1", raw), 201)
        whole = json.dumps(document).encode()
        assert 3.9 * MIB < len(whole) < 4 * MIB
        expect(client.put_manifest("library/many", "index", whole, OCI_INDEX), 201)
        assert client.manifest("library/many", "index").body == whole


def test_an_upload_goes_on_only_for_whoever_began_it(client: Client, server: Server) -> None:
    place = client.append(client.begin(REPOSITORY), b"mine", 0)
    upload = place.rpartition("/")[2]
    with Client(server.port, None, timeout_s=TIMEOUT_S) as stranger:
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            assert refused(stranger, method, place, b"theirs").status == 401
            for repository in ("library/other", "other/corrupt", "library/corrupt/deeper"):
                there = f"/v2/{repository}/blobs/uploads/{upload}"
                digest = f"?digest={sha256(b'mine')}" if method == "PUT" else ""
                assert refused(client, method, there + digest, b"").status in (401, 404)
    for name in ("0" * 32, "x", upload[:-1], upload.upper(), upload + "%00", "..", "%2e%2e%2fx"):
        there = f"{BASE}/blobs/uploads/{name}"
        assert refused(client, "GET", there).status in (404, 400), name
        assert refused(client, "PATCH", there, b"x").status in (404, 400, 405), name
    assert expect(client.get(place), 204).offset == 4
    assert content(1, 4)
    expect(client.call("DELETE", place), 204)
