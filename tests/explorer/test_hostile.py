"""Layers that are no archives, or are made to do harm: shown as what they are."""

import gzip
import hashlib
import io
import tarfile
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.explorer.service import reading, trees
from tests.artifacts.rest import artifact
from tests.explorer.layers import content, listed, names, problem, push
from tests.make import LAYER, error_of, make_project, manifest_of, push_blob, put_manifest, sha256
from tests.tars import tar, zipped, zstd

pytestmark = pytest.mark.once

GOOD = tar(("good", b"1" * 2000), ("fine", b"2"))


@pytest.mark.parametrize(
    "layer",
    [
        b"no archive at all",
        b"\x1f\x8b no gzip",
        b"\x28\xb5\x2f\xfd no zstd",
        b"\x1f\x8b\x08" + b"\0" * 40,
        b"PK\x03\x04 a zip",
        b"\xff" * 4096,
    ],
)
def test_what_is_no_archive_is_said_to_be_none(shared: TestClient, repo: str, layer: bytes) -> None:
    image = push(shared, repo, layer)
    assert problem(shared, image).startswith("it is no archive that can be read")
    assert names(shared, image) == []


@pytest.mark.parametrize("pack", [zipped, zstd, bytes])
def test_one_that_ends_early_shows_what_came_before(
    shared: TestClient, repo: str, pack: Any
) -> None:
    noise = b"".join(hashlib.sha256(bytes([i, j])).digest() for i in range(99) for j in range(99))
    packed = pack(tar(("first", b"1"), ("second", noise), ("third", b"3")))
    image = push(shared, repo, packed[: len(packed) // 2])
    assert problem(shared, image)
    assert "first" in names(shared, image)
    assert "third" not in names(shared, image)


def test_a_file_that_is_not_all_there_is_listed_and_not_handed_out(
    shared: TestClient, repo: str
) -> None:
    whole = tar(("first", b"1"), ("second", b"2" * 100_000))
    image = push(shared, repo, whole[:50_000])
    assert "early" in problem(shared, image)
    assert names(shared, image) == ["first", "second"]
    assert content(shared, image, "/first").content == b"1"
    answer = content(shared, image, "/second")
    assert error_of(answer) == (400, "BAD_REQUEST")
    assert "/second is not all in its layer" in answer.text


@pytest.mark.parametrize("when", ["nan", "-nan", "inf", "-inf", "1e400", "-99999999999999999999"])
def test_times_that_are_none_are_shown_as_some(shared: TestClient, repo: str, when: str) -> None:
    odd = tarfile.TarInfo("odd")
    odd.pax_headers = {"mtime": when}
    image = push(shared, repo, tar(odd, ("good", b"1")))
    assert names(shared, image) == ["good", "odd"]
    assert isinstance(listed(shared, image)["files"][1]["mtime"], int)


def test_what_goes_on_with_garbage_is_told(shared: TestClient, repo: str) -> None:
    image = push(shared, repo, GOOD[:2560] + b"garbage" * 200)
    assert "no header" in problem(shared, image)
    assert names(shared, image) == ["good"]


def test_nothing_leads_out_of_the_root(shared: TestClient, repo: str) -> None:
    layer = tar(("../../etc/passwd", b"1"), ("/abs/./olute", b"2"), ("a/../b", b"3"))
    image = push(shared, repo, layer)
    assert names(shared, image) == ["abs", "etc", "b"]
    (found,) = listed(shared, image, path="/etc")["files"]
    assert (found["path"], found["written"]) == ("/etc/passwd", "../../etc/passwd")
    assert content(shared, image, "/../../etc/passwd").content == b"1"


def test_links_that_lead_in_circles_lead_nowhere(shared: TestClient, repo: str) -> None:
    circle = tar(("a", "b"), ("b", "a"), ("self", "self/self"), ("up", "../../../.."))
    image = push(shared, repo, circle, tar(("a/inside", b"1")))
    assert names(shared, image) == ["a", "b", "self", "up"]
    assert names(shared, image, "/a") == ["inside"]
    for path in ("/self", "/b/x"):
        answer = shared.get(f"{image}/files", params={"path": path}, auth=("admin", "Harbor12345"))
        assert answer.status_code in {200, 404}


def test_links_of_links_of_links_cost_no_more_than_forty_steps(
    shared: TestClient, repo: str
) -> None:
    """Each part of each target is another link: without a bound on all, 50 to the power of 40."""
    links = [(f"l{number}", "/".join([f"l{number + 1}"] * 50)) for number in range(60)]
    image = push(shared, repo, tar(*links), tar(("l0/x", b"1")))
    assert names(shared, image, "/l0") == ["x"]


def test_too_many_steps_are_refused(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "MOST_STEPS", 100)
    image = push(shared, repo, tar(*((f"{'d/' * 20}{number}/x", b"") for number in range(20))))
    answer = shared.get(f"{image}/files", auth=("admin", "Harbor12345"))
    assert answer.status_code == 400


def test_too_many_nodes_are_refused(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "MOST_NODES", 10)
    image = push(shared, repo, tar(("a/" * 20 + "b", b"")))
    assert shared.get(f"{image}/files", auth=("admin", "Harbor12345")).status_code == 400


def test_a_bomb_is_not_unpacked(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ALWAYS_FINE", 1024 * 1024)
    image = push(shared, repo, zipped(tar(("zeros", b"\0" * 5_000_000), ("after", b""))))
    assert "unpacks to more than" in problem(shared, image)
    assert names(shared, image) == ["zeros"]


def test_a_bomb_in_a_bomb_is_a_file(shared: TestClient, repo: str) -> None:
    inner = gzip.compress(b"\0" * 1_000_000)
    image = push(shared, repo, zipped(tar(("inner.gz", inner))))
    assert content(shared, image, "/inner.gz").content == inner


def header(kind: bytes, size: int, name: str = "x") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_says_that_it_is_huge_is_not_read(
    shared: TestClient, repo: str, kind: bytes
) -> None:
    image = push(shared, repo, header(kind, 8 * 1024**3) + b"\0" * 4096)
    assert "a header is too large" in problem(shared, image)


def test_a_size_that_would_lead_backwards_ends_it(shared: TestClient, repo: str) -> None:
    made = bytearray(header(tarfile.REGTYPE, 0))
    made[124:136] = (-1024).to_bytes(12, "big", signed=True)
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % sum(made)
    image = push(shared, repo, bytes(made) + b"\0" * 1024)
    assert "backwards" in problem(shared, image)


def test_headers_about_headers_without_end(shared: TestClient, repo: str) -> None:
    image = push(shared, repo, header(tarfile.GNUTYPE_LONGNAME, 512) * 4000)
    assert problem(shared, image)


def test_a_name_that_is_too_long_for_any_system(shared: TestClient, repo: str) -> None:
    image = push(shared, repo, tar(("ok", b""), ("n" * 5000, b"")))
    assert problem(shared, image) == "its names are too long"
    assert names(shared, image) == ["ok"]


def test_more_entries_than_are_shown(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_ENTRIES", 3)
    image = push(shared, repo, tar(*((f"f{number}", b"") for number in range(9))))
    assert problem(shared, image) == "it has more than 3 entries"
    assert len(names(shared, image)) == 3


def test_names_that_are_no_text(shared: TestClient, repo: str) -> None:
    made = io.BytesIO()
    with tarfile.open(
        fileobj=made, mode="w", format=tarfile.GNU_FORMAT, encoding="latin-1"
    ) as archive:
        archive.addfile(tarfile.TarInfo("caf\xe9\n\x1b[31m"))
    image = push(shared, repo, made.getvalue())
    assert names(shared, image) == ["caf�\n\x1b[31m"]


def test_a_file_with_holes_is_listed_and_not_handed_out(shared: TestClient, repo: str) -> None:
    info = tarfile.TarInfo("sparse")
    info.pax_headers = {"GNU.sparse.map": "0,1,9,1", "GNU.sparse.size": "10"}
    info.size = 2
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(b"ab"))
    image = push(shared, repo, made.getvalue())
    assert names(shared, image) == ["sparse"]
    assert content(shared, image, "/sparse").status_code == 400


def test_a_foreign_layer_shows_nothing_of_another_project(shared: TestClient, repo: str) -> None:
    """Nobody checks that it is in the repository, since it need not be there."""
    make_project(shared, "secretive-files")
    secret = tar(("secret", b"secret"))
    push_blob(shared, "secretive-files/app", secret)
    config = b"{}"
    push_blob(shared, repo, config)
    document = manifest_of(config)
    document["layers"] = [
        {
            "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "digest": sha256(secret),
            "size": len(secret),
            "urls": ["https://example.com/layer"],
        }
    ]
    assert put_manifest(shared, repo, "1.0", document).status_code == 201
    image = artifact(repo, "1.0")
    assert problem(shared, image) == "it is not in this registry"
    assert names(shared, image) == []
    assert content(shared, image, "/secret").status_code == 404


def test_the_size_that_a_manifest_says_is_not_believed(shared: TestClient, repo: str) -> None:
    config = b"{}"
    for data in (config, GOOD):
        push_blob(shared, repo, data)
    document = manifest_of(config)
    document["layers"] = [{"mediaType": LAYER, "digest": sha256(GOOD), "size": 1}]
    answer = put_manifest(shared, repo, "lies", document)
    if answer.status_code == 201:
        assert content(shared, artifact(repo, "lies"), "/good").content == b"1" * 2000
