"""What tests need, made as a client would make it."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from starlette.testclient import TestClient

ADMIN = ("admin", "Harbor12345")
PASSWORD = "Passw0rd-of-a-test"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
Login = tuple[str, str]
API = "/api/v2.0"


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def sha512(data: bytes) -> str:
    return "sha512:" + hashlib.sha512(data).hexdigest()


def make_user(client: TestClient, name: str) -> Login:
    body = {
        "username": name,
        "email": f"{name}@example.com",
        "realname": name,
        "password": PASSWORD,
        "comment": "",
    }
    made = client.post(f"{API}/users", json=body, auth=ADMIN)
    assert made.status_code == 201, made.text
    return name, PASSWORD


def make_project(
    client: TestClient, name: str, *, public: bool = False, owner: Login = ADMIN
) -> int:
    body = {"project_name": name, "metadata": {"public": str(public).lower()}}
    made = client.post(f"{API}/projects", json=body, auth=owner)
    assert made.status_code == 201, made.text
    return int(made.headers["Location"].rpartition("/")[2])


def add_member(client: TestClient, project: str, user: Login, role_id: int) -> str:
    """Give *user* a role; return the path of the membership."""
    made = client.post(
        f"{API}/projects/{project}/members",
        json={"role_id": role_id, "member_user": {"username": user[0]}},
        auth=ADMIN,
        headers={"X-Is-Resource-Name": "true"},
    )
    assert made.status_code == 201, made.text
    return str(made.headers["Location"])


def token_for(client: TestClient, login: Login | None, *scopes: str) -> str:
    answer = client.get(
        "/service/token", params={"service": "harbor-registry", "scope": scopes}, auth=login
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


def bearer(client: TestClient, login: Login | None, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_for(client, login, *scopes)}"}


@dataclass
class Pushed:
    digest: str
    raw: bytes
    blobs: tuple[bytes, ...] = ()


def push_blob(client: TestClient, name: str, data: bytes, login: Login = ADMIN) -> str:
    digest = sha256(data)
    start = client.post(f"/v2/{name}/blobs/uploads/", auth=login)
    assert start.status_code == 202, start.text
    done = client.put(
        start.headers["Location"], params={"digest": digest}, content=data, auth=login
    )
    assert done.status_code == 201, done.text
    return digest


def descriptor(data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **more}


def manifest_of(config: bytes, *layers: bytes, **more: Any) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config, CONFIG),
        "layers": [descriptor(layer, LAYER) for layer in layers],
        **more,
    }


def put_manifest(
    client: TestClient,
    name: str,
    reference: str,
    document: dict[str, Any] | bytes,
    login: Login = ADMIN,
    media_type: str | None = None,
) -> Any:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    if media_type is None:
        media_type = document["mediaType"] if isinstance(document, dict) else OCI_MANIFEST
    return client.put(
        f"/v2/{name}/manifests/{reference}",
        content=raw,
        headers={"Content-Type": media_type},
        auth=login,
    )


def push_image(
    client: TestClient, name: str, tag: str = "1.0", login: Login = ADMIN, **more: Any
) -> Pushed:
    """A small image, different for each name, tag and *more*."""
    config = json.dumps({"image": name, "tag": tag}).encode()
    layer = f"layer of {name}".encode()
    for data in (config, layer):
        push_blob(client, name, data, login)
    raw = json.dumps(manifest_of(config, layer, **more)).encode()
    answer = put_manifest(client, name, tag, raw, login)
    assert answer.status_code == 201, answer.text
    return Pushed(answer.headers["Docker-Content-Digest"], raw, (config, layer))


def error_of(answer: Any) -> tuple[int, str]:
    """Status and code of a failure."""
    return answer.status_code, str(answer.json()["errors"][0]["code"])


def message_of(answer: Any) -> str:
    return str(answer.json()["errors"][0]["message"])


def index_of(*children: Pushed, **more: Any) -> dict[str, Any]:
    """An index that lists images."""
    listed = [descriptor(child.raw, OCI_MANIFEST) for child in children]
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed, **more}


def push_index(client: TestClient, name: str, tag: str, *children: Pushed, **more: Any) -> Pushed:
    raw = json.dumps(index_of(*children, **more)).encode()
    answer = put_manifest(client, name, tag, raw, media_type=OCI_INDEX)
    assert answer.status_code == 201, answer.text
    return Pushed(answer.headers["Docker-Content-Digest"], raw)


def push_referrer(
    client: TestClient, name: str, subject: Pushed, artifact_type: str, **more: Any
) -> Pushed:
    """An artifact with the empty config that speaks about *subject*, as oras makes it."""
    push_blob(client, name, b"{}")
    about = {
        "subject": descriptor(subject.raw, OCI_MANIFEST),
        "artifactType": artifact_type,
        "config": descriptor(b"{}", "application/vnd.oci.empty.v1+json"),
    }
    raw = json.dumps(manifest_of(b"{}", b"{}") | about | more).encode()
    answer = put_manifest(client, name, sha256(raw), raw)
    assert answer.status_code == 201, answer.text
    return Pushed(sha256(raw), raw)


def rule_of(repositories: str = "**", tags: str = "**", **more: Any) -> dict[str, Any]:
    """A rule that makes tags immutable, as clients write it."""
    return {
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tags}],
        "scope_selectors": {
            "repository": [
                {"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories}
            ]
        },
        **more,
    }


def make_rule(client: TestClient, project: str, rule: dict[str, Any]) -> int:
    """Make tags of *project* immutable; return the id of the rule."""
    made = client.post(
        f"{API}/projects/{project}/immutabletagrules",
        json=rule,
        auth=ADMIN,
        headers={"X-Is-Resource-Name": "true"},
    )
    assert made.status_code == 201, made.text
    return int(made.headers["Location"].rpartition("/")[2])


def make_repository_rule(
    client: TestClient,
    project: str,
    pattern: str,
    role_id: int,
    *,
    user: Login | None = None,
    group: str = "",
    robot: Login | None = None,
) -> int:
    """Give somebody, or every member, another role in some repositories; return the id."""
    subject = {"type": "members"} if user is None else {"type": "user", "name": user[0]}
    if group:
        subject = {"type": "group", "name": group}
    if robot is not None:
        subject = {"type": "robot", "name": robot[0]}
    made = client.post(
        f"{API}/projects/{project}/repositoryrules",
        json={"subject": subject, "pattern": pattern, "role_id": role_id},
        auth=ADMIN,
        headers={"X-Is-Resource-Name": "true"},
    )
    assert made.status_code == 201, made.text
    return int(made.headers["Location"].rpartition("/")[2])


def robot_of(
    name: str, places: dict[str, list[str]], *, level: str = "project", duration: int = -1
) -> dict[str, Any]:
    """A robot as clients describe it: by namespace, what it may do, as ``repository:pull``."""
    return {
        "name": name,
        "level": level,
        "duration": duration,
        "permissions": [
            {
                "kind": "system" if namespace == "/" else "project",
                "namespace": namespace,
                "access": [
                    dict(zip(("resource", "action"), text.split(":"), strict=True))
                    for text in actions
                ],
            }
            for namespace, actions in places.items()
        ],
    }


def make_robot(
    client: TestClient, name: str, places: dict[str, list[str]], *, by: Login = ADMIN, **more: Any
) -> Login:
    """A robot; return the name and the secret that it signs in with."""
    made = client.post(f"{API}/robots", json=robot_of(name, places, **more), auth=by)
    assert made.status_code == 201, made.text
    return made.json()["name"], made.json()["secret"]
