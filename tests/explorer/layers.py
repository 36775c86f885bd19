"""Layers made for tests, and what is seen of them."""

import gzip
import io
import json
import tarfile
from typing import Any

import zstandard
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact
from tests.make import ADMIN, manifest_of, push_blob, put_manifest

Member = tuple[str, bytes | str | None] | tuple[str, bytes | str | None, int]


def tar(*members: Member | tarfile.TarInfo) -> bytes:
    """Files with these contents; a directory where that is None, a symbolic link where it is text."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                add(archive, *member)
    return made.getvalue()


def add(
    archive: tarfile.TarFile, name: str, content: bytes | str | None, mode: int = 0o640
) -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = mode, 1_700_000_000
    if content is None:
        info.type = tarfile.DIRTYPE
    elif isinstance(content, str):
        info.type, info.linkname = tarfile.SYMTYPE, content
    else:
        info.size = len(content)
    archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)


def hard_link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.LNKTYPE, target
    return info


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def push(client: TestClient, repo: str, *layers: bytes, **more: Any) -> str:
    """Push an image of these layers; return its path in the REST API."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "of": repo}).encode()
    for data in (config, *layers):
        push_blob(client, repo, data)
    answer = put_manifest(client, repo, "1.0", manifest_of(config, *layers, **more))
    assert answer.status_code == 201, answer.text
    return artifact(repo, "1.0")


def image(client: TestClient, repo: str, tag: str, settings: Any, *layers: bytes) -> str:
    """Push an image with these settings and layers; return its path in the REST API."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": settings}).encode()
    for data in (config, *layers):
        push_blob(client, repo, data)
    assert put_manifest(client, repo, tag, manifest_of(config, *layers)).status_code == 201
    return artifact(repo, tag)


def listed(client: TestClient, image: str, /, **query: Any) -> Any:
    """The list of files, which must come."""
    answer = client.get(f"{image}/files", params=query, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["ready"], found
    return found


def names(client: TestClient, image: str, where: str = "/", **query: Any) -> list[str]:
    return [each["name"] for each in listed(client, image, path=where, **query)["files"]]


def content(client: TestClient, path: str, file: str, **query: Any) -> Any:
    return client.get(f"{path}/files/content", params={"path": file, **query}, auth=ADMIN)


def problem(client: TestClient, path: str) -> str:
    """What is wrong with the only layer."""
    (layer,) = listed(client, path)["layers"]
    return str(layer.get("problem", ""))
