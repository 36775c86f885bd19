"""Charts, packed as helm packs them, and pushed or uploaded as clients do it."""

import json
from typing import Any

from starlette.testclient import TestClient

from tests.make import ADMIN, OCI_MANIFEST, Login, descriptor, push_blob, put_manifest, sha256
from tests.tars import tar_of, zipped

CONFIG = "application/vnd.cncf.helm.config.v1+json"
CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
PROV = "application/vnd.cncf.helm.chart.provenance.v1.prov"


def chart_yaml(name: str, version: str, **more: Any) -> bytes:
    """Chart.yaml; JSON is YAML."""
    said = {"apiVersion": "v2", "name": name, "version": version} | more
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in said.items()).encode()


def packed(files: dict[str, bytes]) -> bytes:
    return zipped(tar_of(files))


def chart(name: str, version: str, files: dict[str, bytes] | None = None, **more: Any) -> bytes:
    inside = {f"{name}/Chart.yaml": chart_yaml(name, version, **more)}
    return packed(inside | {f"{name}/{path}": raw for path, raw in (files or {}).items()})


def signed(name: str, version: str, digest: str, **more: Any) -> bytes:
    """A provenance file of the right form; whether its signature is right is for helm to say."""
    about = chart_yaml(name, version, **more).decode()
    return (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
        f"{about}\n...\nfiles:\n  {name}-{version}.tgz: {digest}\n"
        "-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n"
    ).encode()


def api(repo: str, *rest: str) -> str:
    return "/".join((f"/api/chartrepo/{repo.partition('/')[0]}/charts", *rest))


def upload(
    client: TestClient,
    repo: str,
    raw: bytes | None,
    *,
    prov: bytes | None = None,
    login: Login | None = ADMIN,
    path: str = "",
) -> Any:
    """Upload to the project of *repo* as ``curl -F chart=@… -F prov=@…`` does."""
    files = {"chart": ("chart.tgz", raw), "prov": ("chart.tgz.prov", prov)}
    there = {name: file for name, file in files.items() if file[1] is not None}
    return client.post(path or api(repo), files=there, auth=login)  # type: ignore[arg-type]


def uploaded(client: TestClient, repo: str, version: str = "1.0.0", **more: Any) -> bytes:
    raw = chart(repo.rpartition("/")[2], version, **more)
    answer = upload(client, repo, raw)
    assert (answer.status_code, answer.json()) == (201, {"saved": True}), answer.text
    return raw


def pushed(client: TestClient, repo: str, tag: str, raw: bytes = b"archive", **config: Any) -> str:
    """Push what ``helm push`` would push; the config says what it likes."""
    name = repo.rpartition("/")[2]
    said = {"name": name, "version": tag.replace("_", "+"), "apiVersion": "v2"} | config
    about = json.dumps(said).encode()
    push_blob(client, repo, about)
    push_blob(client, repo, raw)
    document = {
        "schemaVersion": 2,
        "config": descriptor(about, CONFIG),
        "layers": [descriptor(raw, CONTENT)],
    }
    content = json.dumps(document).encode()
    answer = put_manifest(client, repo, tag, content, media_type=OCI_MANIFEST)
    assert answer.status_code == 201, answer.text
    return sha256(content)


def index(client: TestClient, repo: str, login: Login | None = ADMIN) -> Any:
    answer = client.get(f"/chartrepo/{repo.partition('/')[0]}/index.yaml", auth=login)
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(client: TestClient, repo: str) -> list[str]:
    """The versions of a chart in the index of its project."""
    name = repo.partition("/")[2]
    return [each["version"] for each in index(client, repo)["entries"].get(name, [])]
