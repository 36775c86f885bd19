"""A repository with something of everything, for the tests of its pages."""

import json
from typing import Any

from starlette.testclient import TestClient

from tests.artifacts.pages import CHART, COSIGN, NOTATION
from tests.artifacts.pages import push as push_any
from tests.artifacts.rest import artifact, repository
from tests.browser.site import Site
from tests.make import (
    ADMIN,
    API,
    OCI_MANIFEST,
    Pushed,
    descriptor,
    make_project,
    manifest_of,
    push_blob,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
)

REPO = "store/web/front"
README = """# Front

The **shop window** of the store. Run it with

```sh
docker run -p 8080:8080 registry.example.com/store/web/front:2.4.1
```

| variable | means |
| --- | --- |
| `CART_URL` | where the cart is |

- small
- signed
"""
STEPS = (
    ("ADD rootfs.tar.xz / # buildkit", False, 48_000),
    ("ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8", True, 0),
    ("RUN /bin/sh -c apk add --no-cache ca-certificates tzdata # buildkit", False, 21_000),
    ("WORKDIR /srv", True, 0),
    ("COPY --chown=65532 dist/ /srv/ # buildkit", False, 7_300),
    ("USER 65532:65532", True, 0),
    ('ENTRYPOINT ["/srv/front"]', True, 0),
)


def push_real(client: TestClient, tag: str, arch: str, variant: str = "") -> Pushed:
    """An image whose config says what builders say."""
    layers = [
        f"{arch} {step} {tag}".encode() * (size // 20) for step, empty, size in STEPS if not empty
    ]
    config = {
        "created": "2026-11-20T09:30:00Z",
        "author": "The shop team <shop@example.com>",
        "architecture": arch,
        "os": "linux",
        **({"variant": variant} if variant else {}),
        "config": {
            "User": "65532:65532",
            "ExposedPorts": {"8080/tcp": {}},
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"],
            "Entrypoint": ["/srv/front"],
            "Cmd": ["--listen", ":8080"],
            "WorkingDir": "/srv",
            "Labels": {"org.opencontainers.image.source": "https://git.example.com/shop/front"},
        },
        "history": [
            {"created": "2026-11-20T09:30:00Z", "created_by": step, "empty_layer": empty}
            for step, empty, _size in STEPS
        ],
    }
    raw = json.dumps(config).encode()
    for data in (raw, *layers):
        push_blob(client, REPO, data)
    document = json.dumps(manifest_of(raw, *layers)).encode()
    reference = tag if tag else "none"
    answer = put_manifest(client, REPO, reference, document)
    assert answer.status_code == 201, answer.text
    return Pushed(answer.headers["Docker-Content-Digest"], document)


def furnish(site: Site) -> str:
    """The path of the artifacts of a repository that has all kinds of them."""
    api = site.api
    project_id = make_project(api, "store", public=True)
    for n in range(16):
        push_image(api, REPO, f"0.{n}")
    entries: list[dict[str, Any]] = []
    for arch, variant in (("amd64", ""), ("arm64", "v8"), ("arm", "v7"), ("s390x", "")):
        child = push_real(api, f"build-{arch}", arch, variant)
        platform = {
            "os": "linux",
            "architecture": arch,
            **({"variant": variant} if variant else {}),
        }
        entries.append(descriptor(child.raw, OCI_MANIFEST) | {"platform": platform})
        gone = f"{artifact(REPO, child.digest)}/tags/build-{arch}"
        assert api.delete(gone, auth=ADMIN).status_code == 200
    about = {
        "org.opencontainers.image.title": "Front",
        "org.opencontainers.image.revision": "8d1f0c2b7f3e4a55",
    }
    index = push_index(api, REPO, "2.4.1", manifests=entries, annotations=about)
    for tag in ("2.4", "2", "latest", "stable"):
        body = {"name": tag}
        made = api.post(f"{artifact(REPO, '2.4.1')}/tags", json=body, auth=ADMIN)
        assert made.status_code == 201, made.text
    push_referrer(api, REPO, index, COSIGN)
    push_referrer(api, REPO, index, NOTATION)
    push_referrer(api, REPO, index, "application/spdx+json")
    push_real(api, "2.5.0-rc1", "amd64")
    chart = {
        "name": "front",
        "version": "2.4.1",
        "appVersion": "2.4.1",
        "description": "The shop window on Kubernetes",
        "type": "application",
        "home": "https://shop.example.com",
        "keywords": ["shop", "web"],
        "maintainers": [{"name": "The shop team", "email": "shop@example.com"}],
        "dependencies": [
            {"name": "cart", "version": "~1.8", "repository": "oci://registry.example.com/charts"},
            {"name": "common", "version": "2.x", "repository": ""},
        ],
    }
    push_any(api, REPO, "2.4.1-chart", CHART, chart)
    for name, color, reference in (
        ("production", "#1D5100", "2.4.1"),
        ("checked", "#0065AB", "2.4.1"),
        ("candidate", "#F57600", "2.5.0-rc1"),
    ):
        told = {"name": name, "color": color, "scope": "p", "project_id": project_id}
        made = api.post(f"{API}/labels", json=told, auth=ADMIN)
        label = {"id": int(made.headers["Location"].rpartition("/")[2])}
        path = f"{artifact(REPO, reference)}/labels"
        assert api.post(path, json=label, auth=ADMIN).status_code == 200
    about_it = {"description": README}
    assert api.put(repository(REPO), json=about_it, auth=ADMIN).status_code == 200
    site.ids["store"] = project_id
    return f"/harbor/projects/{project_id}/repositories/web%2Ffront/artifacts-tab"
