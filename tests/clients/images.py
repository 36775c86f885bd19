"""Images made of a few bytes: file systems as tar archives, and OCI layouts around them."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.make import CONFIG, LAYER, OCI_INDEX, OCI_MANIFEST

REF_NAME = "org.opencontainers.image.ref.name"


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A file system with these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), 0o644, 1_700_000_000
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def noise(nbytes: int = 100_000) -> bytes:
    """Bytes that no compression makes smaller, and that no other image has."""
    return os.urandom(nbytes)


class Layout:
    """A folder in the OCI image layout, which skopeo, crane and oras read."""

    def __init__(self, folder: Path, algorithm: str = "sha256") -> None:
        self.folder, self.algorithm = folder, algorithm
        self.listed: list[dict[str, Any]] = []
        (folder / "blobs" / algorithm).mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        """Keep *data*; return its descriptor."""
        encoded = hashlib.new(self.algorithm, data).hexdigest()
        (self.folder / "blobs" / self.algorithm / encoded).write_bytes(data)
        digest = f"{self.algorithm}:{encoded}"
        return {"mediaType": media_type, "digest": digest, "size": len(data), **more}

    def document(self, content: dict[str, Any], media_type: str, **more: Any) -> dict[str, Any]:
        whole = {"schemaVersion": 2, "mediaType": media_type, **content}
        return self.blob(json.dumps(whole).encode(), media_type, **more)

    def image(self, *layers: bytes, architecture: str = "amd64", **more: Any) -> dict[str, Any]:
        """An image of these tar archives, one a layer; return its descriptor."""
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": ["/nothing"]},
            "rootfs": {
                "type": "layers",
                "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers],
            },
        }
        content = {
            "config": self.blob(json.dumps(config).encode(), CONFIG),
            "layers": [self.blob(gzip.compress(layer, mtime=0), LAYER) for layer in layers],
        }
        platform = {"architecture": architecture, "os": "linux"}
        return self.document(content | more, OCI_MANIFEST, platform=platform)

    def index(self, *images: dict[str, Any]) -> dict[str, Any]:
        return self.document({"manifests": list(images)}, OCI_INDEX)

    def tag(self, descriptor: dict[str, Any], name: str) -> str:
        """Name what the folder holds; return its digest."""
        self.listed.append(descriptor | {"annotations": {REF_NAME: name}})
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": self.listed}
        (self.folder / "index.json").write_text(json.dumps(index))
        return str(descriptor["digest"])


def simple(folder: Path, content: bytes, tag: str = "1.0") -> str:
    """A layout with one image, of one file named ``content``; return its digest."""
    layout = Layout(folder)
    return layout.tag(layout.image(tar_of({"content": content})), tag)


def layers_of(folder: Path) -> list[bytes]:
    """The tar archives of the only image in an OCI layout; every digest is checked."""
    (listed,) = json.loads((folder / "index.json").read_text())["manifests"]
    manifest = json.loads(read(folder, listed["digest"]))
    return [gzip.decompress(read(folder, layer["digest"])) for layer in manifest["layers"]]


def read(folder: Path, digest: str) -> bytes:
    algorithm, _, encoded = digest.partition(":")
    data = (folder / "blobs" / algorithm / encoded).read_bytes()
    assert hashlib.new(algorithm, data).hexdigest() == encoded
    return data


def content_of(folder: Path) -> bytes:
    """The file named ``content`` of the only image in an OCI layout."""
    (layer,) = layers_of(folder)
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        file = archive.extractfile("content")
        assert file is not None
        return file.read()
