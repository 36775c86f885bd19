"""The documents of charts and models, and copies made from the pages."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.pages import CHART, app, id_of, push, show
from tests.artifacts.rest import artifact, names
from tests.make import (
    ADMIN,
    API,
    descriptor,
    make_project,
    manifest_of,
    push_blob,
    push_image,
    put_manifest,
)
from tests.projects.pages import CHINESE, HOSTILE, HTMX, audit, harmless, told, words, wrong_at
from tests.tars import tar, zipped

__all__ = ["app"]
REPO = "team/app"
CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
MODEL = "application/vnd.cncf.model.manifest.v1+json"


def push_chart(client: TestClient, tag: str, files: dict[str, str], **config: Any) -> None:
    raw = json.dumps({"name": "app", "version": tag, **config}).encode()
    layer = zipped(tar(*((f"app/{name}", text.encode()) for name, text in files.items())))
    for data in (raw, layer):
        push_blob(client, REPO, data)
    document = manifest_of(raw, layer) | {"config": descriptor(raw, CHART)}
    document["layers"][0]["mediaType"] = CONTENT
    assert put_manifest(client, REPO, tag, document).status_code == 201


def test_a_chart_shows_its_documents(client: TestClient, app: str) -> None:
    files = {"README.md": f"# Tides\n\n**bold** {HOSTILE}", "values.yaml": f"a: 1 # {HOSTILE}\n"}
    push_chart(
        client, "1.0.0", files,
        home="https://example.com", sources=["javascript:alert(1)"], keywords=["sea"],
    )  # fmt: skip
    page = show(client, f"{app}/artifacts/1.0.0")
    text = words(page)
    for part in (
        "Overview README Values",
        "helm install app oci://testserver/team/app --version 1.0.0",
        "helm repo add team http://testserver/chartrepo/team",
        "helm install app team/app --version 1.0.0",
        "sea",
        "javascript:alert(1)",
    ):
        assert part in text
    assert 'href="https://example.com"' in page.text
    assert 'href="javascript' not in page.text
    readme = show(client, f"{app}/artifacts/1.0.0/additions/readme.md")
    assert "<strong>bold</strong>" in readme.text
    assert harmless(readme)
    values = show(client, f"{app}/artifacts/1.0.0/additions/values.yaml")
    assert '<span class="code-name">a</span>' in values.text
    assert harmless(values)


def test_what_a_chart_lacks_is_said(client: TestClient, app: str) -> None:
    push_chart(client, "1.0.0", {"values.yaml": ""})
    path = f"{app}/artifacts/1.0.0/additions"
    assert "There is none" in words(show(client, f"{path}/readme.md"))
    assert "It is empty" in words(show(client, f"{path}/values.yaml"))
    for other in ("license", "build_history", "none"):
        assert client.get(f"{path}/{other}", auth=ADMIN).status_code == 404


def test_a_long_document_is_to_be_downloaded(client: TestClient, app: str) -> None:
    push_chart(client, "1.0.0", {"values.yaml": "a: b\n" * 200_000})
    text = words(show(client, f"{app}/artifacts/1.0.0/additions/values.yaml"))
    assert "Too long to be shown" in text


def test_a_chart_that_is_not_in_the_index_has_one_way(client: TestClient, app: str) -> None:
    push_chart(client, "1.0.0", {}, name="other")
    assert "helm repo add" not in words(show(client, f"{app}/artifacts/1.0.0"))


def test_a_model_shows_its_files(client: TestClient, app: str) -> None:
    raw, readme, weights = b"{}", b"# Model", b"weights"
    for data in (raw, readme, weights):
        push_blob(client, REPO, data)
    document = manifest_of(raw, readme, weights) | {"config": descriptor(raw, MODEL)}
    for layer, path, kind in zip(
        document["layers"],
        ("README.md", "data/weights.bin"),
        ("doc", "weight"),
        strict=True,
    ):
        layer["mediaType"] = f"application/vnd.cncf.model.{kind}.v1.raw"
        layer["annotations"] = {"org.cncf.model.filepath": path}
    assert put_manifest(client, REPO, "m", document).status_code == 201
    files = words(show(client, f"{app}/artifacts/m/additions/files"))
    assert "data weights.bin 7 B README.md" in files
    assert "<h2>Model</h2>" in show(client, f"{app}/artifacts/m/additions/readme.md").text


def test_the_config_of_an_unknown_kind_is_shown_as_it_is(client: TestClient, app: str) -> None:
    kind = "application/vnd.example.thing.config.v1+json"
    push(client, REPO, "odd", kind, {"a": [1], "b": HOSTILE})
    page = show(client, f"{app}/artifacts/odd")
    assert '<span class="code-name">&#34;a&#34;</span>' in page.text
    assert harmless(page)


def test_artifacts_are_copied(client: TestClient, app: str, people: dict[str, Any]) -> None:
    make_project(client, "other")
    image = push_image(client, REPO, "1.0")
    push_image(client, REPO, "2.0")
    ids = [id_of(client, REPO, tag) for tag in ("1.0", "2.0")]
    asked = client.get(f"{app}/copy", params={"id": ids}, auth=people["dev"])
    assert "1.0" in words(asked)
    assert '<option value="team">' in asked.text
    assert '<option value="other">' not in asked.text
    form = {"id": ids, "project": " team ", "repository": "copies/app"}
    answer = client.post(f"{app}/copy", data=form, auth=people["dev"], headers=HTMX)
    there = app.replace("/app/", "/copies%2Fapp/")
    assert told(answer) == {
        "to": "", "said": "2 artifacts were copied.", "link": [there, "Show"],
    }  # fmt: skip
    assert names(client, f"{artifact('team/copies/app', image.digest)}/tags") == ["1.0"]
    assert ("create", "artifact", f"team/copies/app@{image.digest}", True) in audit(client)


def test_what_cannot_be_copied_is_said(client: TestClient, app: str) -> None:
    small = {"project_name": "small", "storage_limit": 10}
    assert client.post(f"{API}/projects", json=small, auth=ADMIN).status_code == 201
    push_image(client, REPO)
    form = {"id": id_of(client, REPO, "1.0"), "project": "small", "repository": "app"}
    answer = client.post(f"{app}/copy", data=form, auth=ADMIN, headers=HTMX)
    assert answer.status_code == 200
    assert "Nothing was copied" in words(answer)
    assert "exceed the configured upper limit" in words(answer)
    tried = [line for line in audit(client) if line[:2] == ("create", "artifact")]
    assert [(line[2].partition("@")[0], line[3]) for line in tried if "small" in line[2]] == [
        ("small/app", False)
    ]


def test_why_nothing_was_copied_is_said_in_the_language_of_the_page(
    client: TestClient, app: str
) -> None:
    small = {"project_name": "small", "storage_limit": 10}
    assert client.post(f"{API}/projects", json=small, auth=ADMIN).status_code == 201
    push_image(client, REPO)
    form = {"id": id_of(client, REPO, "1.0"), "project": "small", "repository": "app"}
    answer = client.post(f"{app}/copy", data=form, auth=ADMIN, headers=HTMX | CHINESE)
    assert "将超过 10 B 的配额上限" in words(answer)
    assert "exceed" not in words(answer)
    there, source = f"{API}/projects/small/repositories/app/artifacts", f"{REPO}:1.0"
    by_rest = client.post(there, params={"from": source}, auth=ADMIN, headers=CHINESE)
    assert by_rest.status_code == 403
    assert "exceed the configured upper limit of 10 B" in by_rest.text


@pytest.mark.parametrize(
    ("form", "status", "field"),
    [
        ({"project": "", "repository": "app"}, 400, "project"),
        ({"project": "none", "repository": "app"}, 403, "project"),
        ({"project": "closed", "repository": "app"}, 403, "project"),
        ({"project": "team", "repository": "UP"}, 400, "repository"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: TestClient,
    app: str,
    people: dict[str, Any],
    form: dict[str, str],
    status: int,
    field: str,
) -> None:
    make_project(client, "closed")
    push_image(client, REPO)
    sent = form | {"id": str(id_of(client, REPO, "1.0"))}
    answer = client.post(f"{app}/copy", data=sent, auth=people["dev"], headers=HTMX)
    assert (answer.status_code, wrong_at(answer)) == (status, field)


def test_who_may_push_nowhere_is_told_so(
    client: TestClient, app: str, people: dict[str, Any]
) -> None:
    push_image(client, REPO)
    ids = {"id": id_of(client, REPO, "1.0")}
    asked = client.get(f"{app}/copy", params=ids, auth=people["guest"])
    assert "Nowhere to copy to" in words(asked)
