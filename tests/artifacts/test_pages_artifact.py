"""One artifact: its page, its tags, its layers and its manifest."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.pages import CHART, COSIGN, app, push, show
from tests.artifacts.rest import artifact, get, names
from tests.make import (
    ADMIN,
    CONFIG,
    LAYER,
    OCI_MANIFEST,
    descriptor,
    manifest_of,
    push_blob,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
)
from tests.projects.pages import HOSTILE, HTMX, audit, harmless, told, words, wrong_at

__all__ = ["app"]
REPO = "team/app"


def tag_ids(client: TestClient, reference: str) -> dict[str, int]:
    return {each["name"]: each["id"] for each in get(client, f"{artifact(REPO, reference)}/tags")}


def test_what_the_config_says_is_shown(client: TestClient, app: str) -> None:
    config = {
        "created": "2026-11-20T09:30:00.123456789Z",
        "author": "Ann",
        "os": "linux",
        "architecture": "arm64",
        "variant": "v8",
        "config": {
            "Entrypoint": ["/bin/front", "--now"],
            "Cmd": None,
            "Env": ["PATH=/bin", "EMPTY=", "ODD"],
            "ExposedPorts": {"8080/tcp": {}, "9090/tcp": {}},
            "WorkingDir": "/srv",
            "Labels": {"made.by": HOSTILE},
        },
    }
    digest = push(client, REPO, "1.0", CONFIG, config, annotations={"a.b": "noted"})
    page = show(client, f"{app}/artifacts/{digest}")
    text = words(page)
    for part in (
        "Nov 20, 2026 9:30",
        "Author Ann",
        "linux/arm64",
        'Entrypoint ["/bin/front", "--now"]',
        "Ports 8080/tcp, 9090/tcp",
        "Working directory /srv",
        "PATH /bin",
        "a.b noted",
        "Image",
        digest,
        f"docker pull testserver/{REPO}:1.0",
    ):
        assert part in text
    assert "Command" not in text.partition("Overview")[2].partition("Environment")[0]
    assert harmless(page)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"created": 5, "author": [], "os": {}, "architecture": None, "config": []},
        {"config": {"Env": "x", "Labels": [1], "Entrypoint": {"a": 1}, "ExposedPorts": 7}},
        {"config": {"Env": [None, 3, {}], "Labels": {"a": None, "b": [1, {"c": 2}]}}},
        {"created": "9999-99-99", "history": "none", "rootfs": 0},
        {"history": [{"created": 1}, {"empty_layer": True}]},
        {"history": [{"created_by": 5}]},
    ],
)
@pytest.mark.parametrize("media_type", [CONFIG, CHART, "application/vnd.example.x.config.v1+json"])
def test_a_config_may_say_anything(
    client: TestClient, app: str, config: Any, media_type: str
) -> None:
    push(client, REPO, "odd", media_type, config)
    for tab in ("", "/layers", "/manifest"):
        show(client, f"{app}/artifacts/odd{tab}")
    show(client, app)


def test_a_chart_is_shown(client: TestClient, app: str) -> None:
    chart = {
        "name": "front",
        "version": "1.2.3",
        "appVersion": "4.5",
        "description": HOSTILE,
        "maintainers": [{"name": "Ann", "email": "ann@example.com"}, {"name": "Bob"}, 7],
        "dependencies": [{"name": "cart", "version": "~1", "repository": "oci://x"}, None],
    }
    push(client, REPO, "1.2.3", CHART, chart)
    page = show(client, f"{app}/artifacts/1.2.3")
    text = words(page)
    for part in (
        f"helm install front oci://testserver/{REPO} --version 1.2.3",
        f"helm pull oci://testserver/{REPO} --version 1.2.3",
        "App version 4.5",
        "Ann <ann@example.com>",
        "Bob",
        "cart ~1 oci://x",
        "Helm chart",
    ):
        assert part in text
    assert harmless(page)


def test_it_is_found_by_tag_and_by_digest_and_not_otherwise(client: TestClient, app: str) -> None:
    image = push_image(client, REPO)
    for reference in ("1.0", image.digest):
        assert image.digest in show(client, f"{app}/artifacts/{reference}").text
    for reference in ("2.0", "sha256:" + "0" * 64, "sha256:x", "a%2Fb"):
        for tab in ("", "/layers", "/manifest", "/manifest.json"):
            path = f"{app}/artifacts/{reference}{tab}"
            assert client.get(path, auth=ADMIN).status_code == 404


def test_the_breadcrumbs_lead_back_through_the_index(client: TestClient, app: str) -> None:
    child = push_image(client, REPO, "child")
    index = push_index(client, REPO, "multi", child)
    path = f"{app}/artifacts/{child.digest}"
    page = show(client, path, back="page=2&text=x", parent=index.digest)
    assert f'href="{app}?page=2&amp;text=x"' in page.text
    assert f'href="{app}/depth/{index.digest}?back=page%3D2%26text%3Dx"' in page.text
    for nonsense in ("../..", '"><b>', "1.0"):
        page = show(client, f"{app}/artifacts/child", parent=nonsense)
        assert "/depth/" not in page.text


def test_an_index_shows_its_images_and_has_no_layers(client: TestClient, app: str) -> None:
    child = push_image(client, REPO, "child")
    entry = descriptor(child.raw, OCI_MANIFEST) | {"platform": {"os": "plan9", "architecture": "x"}}
    push_index(client, REPO, "multi", manifests=[entry])
    page = show(client, f"{app}/artifacts/multi")
    assert "plan9/x" in words(page)
    assert f"{app}/artifacts/{child.digest}?parent=" in page.text
    assert "Layers" not in words(page)
    assert "No layers" in words(show(client, f"{app}/artifacts/multi/layers"))


def test_an_index_without_platforms_has_those_of_its_images(client: TestClient, app: str) -> None:
    told = {"os": "plan9", "architecture": "mips"}
    digest = push(client, REPO, "knows", "application/vnd.oci.image.config.v1+json", told)
    entry = {"mediaType": OCI_MANIFEST, "digest": digest, "size": 1}
    silent = descriptor(push_image(client, REPO, "silent").raw, OCI_MANIFEST)
    push_index(client, REPO, "multi", manifests=[entry, silent])
    push_index(client, REPO, "dumb", manifests=[silent])
    header = words(show(client, f"{app}/artifacts/multi")).partition("Overview")[0]
    assert "plan9/mips +1" in header
    assert "plan9/mips +1" in words(show(client, app, text="multi"))
    header = words(show(client, f"{app}/artifacts/dumb")).partition("Overview")[0]
    assert "1 image" in header
    assert "+1" not in header


def test_accessories_are_shown_and_have_pages(client: TestClient, app: str) -> None:
    image = push_image(client, REPO)
    signature = push_referrer(client, REPO, image, COSIGN)
    text = words(show(client, f"{app}/artifacts/1.0"))
    assert "Cosign signature" in text
    assert "Signed" in text
    assert signature.digest in show(client, f"{app}/artifacts/{signature.digest}").text


def test_a_tag_is_added(client: TestClient, app: str, people: dict[str, Any]) -> None:
    image = push_image(client, REPO)
    path = f"{app}/artifacts/{image.digest}"
    page = show(client, f"{path}/tags/new", people["dev"])
    assert image.digest[7:19] in words(page)
    form = {"name": " stable "}
    made = client.post(f"{path}/tags/new", data=form, auth=people["dev"], headers=HTMX)
    assert told(made) == {"to": path, "said": "The tag stable was added."}
    assert names(client, f"{artifact(REPO, '1.0')}/tags") == ["stable", "1.0"]
    assert ("create", "tag", f"{REPO}:stable", True) in audit(client)


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("", 400, "A tag has letters"),
        ("-x", 400, "A tag has letters"),
        (HOSTILE, 400, "A tag has letters"),
        ("1.0", 409, "There is a tag of that name already."),
        ("x" * 129, 422, ""),
    ],
)
def test_what_is_wrong_with_a_tag_is_said_at_its_name(
    client: TestClient, app: str, name: str, status: int, said: str
) -> None:
    push_image(client, REPO)
    path = f"{app}/artifacts/1.0/tags/new"
    answer = client.post(path, data={"name": name}, auth=ADMIN, headers=HTMX)
    assert answer.status_code == status
    assert said in words(answer)
    assert wrong_at(answer) == ("name" if said else wrong_at(answer))
    assert names(client, f"{artifact(REPO, '1.0')}/tags") == ["1.0"]


def test_tags_are_removed_and_the_artifact_stays(client: TestClient, app: str) -> None:
    image = push_image(client, REPO)
    path = f"{app}/artifacts/{image.digest}"
    for name in ("a", "b"):
        client.post(f"{path}/tags/new", data={"name": name}, auth=ADMIN)
    ids = tag_ids(client, "1.0")
    chosen = {"id": [ids["a"], ids["1.0"]]}
    asked = words(client.get(f"{path}/tags/delete", params=chosen, auth=ADMIN))
    assert "1.0 a" in asked
    gone = client.post(f"{path}/tags/delete", data=chosen, auth=ADMIN, headers=HTMX)
    assert told(gone) == {"to": path, "said": "2 tags were removed."}
    assert names(client, f"{artifact(REPO, image.digest)}/tags") == ["b"]
    lines = {line[2] for line in audit(client) if line[:2] == ("delete", "tag")}
    assert lines == {f"{REPO}:a", f"{REPO}:1.0"}
    client.post(f"{path}/tags/delete", data={"id": ids["b"]}, auth=ADMIN)
    assert "No tags" in words(show(client, path))


def test_tags_of_another_artifact_stay(client: TestClient, app: str) -> None:
    push_image(client, REPO, "one")
    push_image(client, REPO, "two")
    chosen = {"id": tag_ids(client, "two")["two"]}
    path = f"{app}/artifacts/one/tags/delete"
    assert client.get(path, params=chosen, auth=ADMIN).status_code == 404
    assert client.post(path, data=chosen, auth=ADMIN).status_code == 404
    assert names(client, f"{artifact(REPO, 'two')}/tags") == ["two"]


def test_who_may_not_change_tags_is_not_offered_it(
    client: TestClient, app: str, people: dict[str, Any]
) -> None:
    push_image(client, REPO)
    for name, adds, removes in (("mia", 1, 1), ("dev", 1, 0), ("guest", 0, 0)):
        text = show(client, f"{app}/artifacts/1.0", people[name]).text
        assert ("/tags/new" in text, "/tags/delete" in text) == (bool(adds), bool(removes))


def test_tags_are_filtered_and_paged(client: TestClient, app: str) -> None:
    push_image(client, REPO, "t0")
    for n in range(1, 20):
        path = f"{artifact(REPO, 't0')}/tags"
        assert client.post(path, json={"name": f"t{n}"}, auth=ADMIN).status_code == 201
    page = f"{app}/artifacts/t0"
    assert "of 20 1 of 2" in words(show(client, page))
    assert "of 11" in words(show(client, page, text="t1"))
    assert "of 20 2 of 2" in words(show(client, page, page=2))


def image_with(client: TestClient, steps: list[dict[str, Any]], *layers: bytes) -> None:
    config = json.dumps({"history": steps}).encode()
    for data in (config, *layers):
        push_blob(client, REPO, data)
    assert put_manifest(client, REPO, "built", manifest_of(config, *layers)).status_code == 201


def test_layers_stand_beside_the_steps_that_made_them(client: TestClient, app: str) -> None:
    steps: list[dict[str, Any]] = [
        {"created_by": "ADD base", "created": "2026-11-20T09:30:00Z"},
        {"created_by": f"ENV A={HOSTILE}", "empty_layer": True},
        {"comment": "from a note"},
    ]
    image_with(client, steps, b"a" * 3072, b"b" * 1024)
    page = show(client, f"{app}/artifacts/built/layers")
    text = words(page)
    at = [text.index(part) for part in ("2 layers", "ADD base", "ENV A=", "from a note")]
    assert at == sorted(at)
    assert "3 KiB" in text
    assert "no layer" in text
    assert 'width="75.00%"' in page.text
    assert LAYER in text
    assert harmless(page)


def test_steps_that_do_not_fit_the_layers_are_left_out(client: TestClient, app: str) -> None:
    image_with(client, [{"created_by": "RUN one"}, {"created_by": "RUN two"}], b"a")
    text = words(show(client, f"{app}/artifacts/built/layers"))
    assert "1 layer" in text
    assert "RUN one" not in text


def test_many_layers_are_cut(client: TestClient, app: str) -> None:
    push_blob(client, REPO, b"{}")
    push_blob(client, REPO, b"x")
    document = manifest_of(b"{}", *[b"x"] * 320)
    assert put_manifest(client, REPO, "long", document).status_code == 201
    assert "20 more are not shown." in words(show(client, f"{app}/artifacts/long/layers"))


def test_the_manifest_is_shown_and_sent(client: TestClient, app: str) -> None:
    image = push_image(client, REPO, annotations={"a": HOSTILE})
    page = show(client, f"{app}/artifacts/1.0/manifest")
    assert '<span class="code-name">&#34;schemaVersion&#34;</span>' in page.text
    assert '<span class="code-number">2</span>' in page.text
    assert harmless(page)
    sent = show(client, f"{app}/artifacts/1.0/manifest.json")
    assert sent.content == image.raw
    assert "attachment" in sent.headers["Content-Disposition"]
    assert sent.headers["X-Content-Type-Options"] == "nosniff"


def test_a_long_manifest_is_to_be_downloaded(client: TestClient, app: str) -> None:
    push_image(client, REPO, annotations={"a": "b" * 300_000})
    text = words(show(client, f"{app}/artifacts/1.0/manifest"))
    assert "It is too long to be shown here." in text


def test_a_stranger_reads_what_is_public(client: TestClient, app: str) -> None:
    push_image(client, REPO)
    metadata = {"metadata": {"public": "true"}}
    assert client.put("/api/v2.0/projects/team", json=metadata, auth=ADMIN).status_code == 200
    for tab in ("", "/layers", "/manifest", "/manifest.json"):
        show(client, f"{app}/artifacts/1.0{tab}", None)


def test_the_page_takes_the_same_statements_however_much_there_is(
    client: TestClient, app: str, statements: Callable[[Callable[[], object]], int]
) -> None:
    def counted() -> int:
        return statements(lambda: show(client, f"{app}/artifacts/multi"))

    child = push_image(client, REPO, "child")
    push_referrer(client, REPO, push_index(client, REPO, "multi", child), COSIGN)
    few = counted()
    children = [push_image(client, REPO, f"c{n}") for n in range(8)]
    index = push_index(client, REPO, "multi", *children)
    for kind in (COSIGN, "application/vnd.example"):
        push_referrer(client, REPO, index, kind)
    for n in range(5):
        path = f"{artifact(REPO, 'multi')}/tags"
        assert client.post(path, json={"name": f"t{n}"}, auth=ADMIN).status_code == 201
    assert counted() == few > 0


def test_what_is_not_there_is_not_asked_for(
    client: TestClient, app: str, statements: Callable[[Callable[[], object]], int]
) -> None:
    image = push_image(client, REPO)
    bare = statements(lambda: show(client, f"{app}/artifacts/1.0"))
    push_referrer(client, REPO, image, COSIGN)
    assert statements(lambda: show(client, f"{app}/artifacts/1.0")) == bare + 2


def test_a_model_says_what_it_is(client: TestClient, app: str) -> None:
    config = {
        "descriptor": {"name": "tide", "family": "sea", "licenses": ["MIT"], "extra": HOSTILE},
        "config": {"format": "gguf", "paramSize": "7B", "capabilities": {"inputTypes": ["text"]}},
        "modelfs": {"type": "layers"},
        "other": 7,
    }
    push(client, REPO, "7b", "application/vnd.cncf.model.manifest.v1+json", config)
    page = show(client, f"{app}/artifacts/7b")
    text = words(page)
    for part in (
        "Name tide",
        "Family sea",
        'Licenses ["MIT"]',
        "Format gguf",
        "Parameters 7B",
        'config {"capabilities": {"inputTypes": ["text"]}}',
        "other 7",
    ):
        assert part in text
    assert harmless(page)
    odd = {"descriptor": [1], "config": "x", "modelfs": None}
    push(client, REPO, "odd-model", "application/vnd.cncf.model.manifest.v1+json", odd)
    assert "descriptor [1] config x" in words(show(client, f"{app}/artifacts/odd-model"))
