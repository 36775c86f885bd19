"""What layers get that are too large, broken, or lead elsewhere."""

import gzip
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from starlette.testclient import TestClient

from harbor.core import archives
from tests.artifacts.layers import (
    CHART,
    MIB,
    MODEL,
    SBOM,
    addition,
    model_layer,
    push,
    push_chart,
    read,
)
from tests.artifacts.rest import artifact
from tests.make import (
    CONFIG,
    OCI_MANIFEST,
    descriptor,
    error_of,
    push_blob,
    put_manifest,
)
from tests.tars import link, tar, tar_of


@pytest.mark.parametrize(
    "name",
    ["values.yaml", "/web/values.yaml", "../values.yaml", "web/../values.yaml", "a/b/values.yaml"],
)
def test_only_the_file_of_the_chart_itself_counts(shared: TestClient, repo: str, name: str) -> None:
    path = push_chart(shared, repo, tar_of({name: b"wrong: true"}))
    assert error_of(addition(shared, path, "values.yaml")) == (404, "NOT_FOUND")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_lead_nowhere(shared: TestClient, repo: str, kind: bytes) -> None:
    layer = tar(
        ("web/secret", b"s"),
        link(kind, "web/values.yaml", "web/secret"),
        link(kind, "web/README.md", "/etc/passwd"),
    )
    path = push_chart(shared, repo, layer)
    for name in ("values.yaml", "readme.md"):
        assert error_of(addition(shared, path, name)) == (404, "NOT_FOUND")


TOO_LARGE = (413, "REQUEST_ENTITY_TOO_LARGE")


def test_a_document_has_a_limited_size(shared: TestClient, repo: str) -> None:
    fits = b"#" * (4 * MIB)
    path = push_chart(
        shared, repo, gzip.compress(tar_of({"web/values.yaml": fits, "web/README.md": fits + b"#"}))
    )
    assert len(read(shared, path, "values.yaml")[1]) == len(fits)
    assert error_of(addition(shared, path, "readme.md")) == TOO_LARGE


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_bomb_does_not_go_off(
    shared: TestClient, repo: str, pack: Callable[[bytes], bytes]
) -> None:
    bomb = pack(tar_of({"web/zeros": bytes(archives.MOST_SCANNED), "web/values.yaml": b"late"}))
    assert len(bomb) < 100_000
    path = push_chart(shared, repo, bomb)
    assert error_of(addition(shared, path, "values.yaml")) == TOO_LARGE


def test_an_archive_has_a_limited_number_of_entries(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_ENTRIES", 3)
    path = push_chart(shared, repo, tar_of({f"web/{n}": b"" for n in range(5)}))
    assert error_of(addition(shared, path, "values.yaml")) == TOO_LARGE


def nested_headers() -> bytes:
    """Headers that each say something of the next one, and never come to an end."""
    record = b"13 comment=x\n"
    extra = tarfile.TarInfo("x")
    extra.type, extra.size = tarfile.XHDTYPE, len(record)
    return (extra.tobuf(tarfile.USTAR_FORMAT) + record.ljust(512, b"\0")) * 2_000


GOOD = gzip.compress(tar_of({"web/Chart.yaml": bytes(5_000), "web/values.yaml": b"a"}))
BROKEN = {
    "no tar": b"this is no archive" * 100,
    "empty": b"",
    "short": GOOD[: len(GOOD) // 2],
    "checksum": GOOD[:-6] + b"xxxxxx",
    "zeros": gzip.compress(b"\x01" * 2_048),
    "zstd": b"\x28\xb5\x2f\xfd" + b"nonsense" * 10,
    "gzip": b"\x1f\x8b" + b"nonsense" * 10,
    "nested": nested_headers(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_archive_is_told(shared: TestClient, repo: str, name: str) -> None:
    path = push_chart(shared, repo, BROKEN[name])
    status = addition(shared, path, "readme.md").status_code
    assert status in (400, 404)


def test_a_document_of_a_model_has_a_limited_size(shared: TestClient, repo: str) -> None:
    large = model_layer(b"#" * (4 * MIB + 1), "README", "raw")
    packed = model_layer(gzip.compress(bytes(5 * MIB)), "LICENSE", "raw+gzip")
    path = push(shared, repo, {}, MODEL, large, packed, artifactType=MODEL)
    for name in ("readme.md", "license"):
        assert error_of(addition(shared, path, name)) == TOO_LARGE


def test_a_layer_that_is_elsewhere_is_not_read(shared: TestClient, repo: str) -> None:
    """Of a foreign layer nobody has shown that he has it: its digest may be anybody's."""
    secret = b"what another project keeps to itself"
    push_blob(shared, "library/other", secret)
    foreign = descriptor(secret, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
    config = b"{}"
    push_blob(shared, repo, config)
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config, SBOM),
        "layers": [foreign],
    }
    assert put_manifest(shared, repo, "v1", document).status_code == 201
    refused = addition(shared, artifact(repo, "v1"), "sbom")
    assert error_of(refused) == (404, "NOT_FOUND")


def test_a_blob_that_the_store_has_lost_is_told(
    shared: TestClient, repo: str, shared_settings: Any
) -> None:
    layer = tar_of({"web/values.yaml": repo.encode()})
    path = push_chart(shared, repo, layer)
    digest = descriptor(layer, CHART)["digest"].partition(":")[2]
    (file,) = [each for each in (shared_settings.data / "blobs").rglob("*") if digest in each.name]
    file.unlink()
    assert error_of(addition(shared, path, "values.yaml")) == (404, "NOT_FOUND")


def test_a_history_has_a_limited_size(shared: TestClient, repo: str) -> None:
    path = push(shared, repo, b'{"history": null' + b" " * 4 * MIB + b"}", CONFIG)
    assert error_of(addition(shared, path, "build_history")) == TOO_LARGE
