"""The artifacts of a repository, as a page lists them."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.pages import CHART, COSIGN, NOTATION, app, listed, push, show
from tests.artifacts.rest import artifact, make_label
from tests.make import ADMIN, OCI_MANIFEST, descriptor, push_image, push_index, push_referrer
from tests.projects.pages import HOSTILE, harmless, project_id, words

__all__ = ["app"]
REPO = "team/app"


def tag(client: TestClient, reference: str, name: str) -> None:
    made = client.post(f"{artifact(REPO, reference)}/tags", json={"name": name}, auth=ADMIN)
    assert made.status_code == 201, made.text


def label(client: TestClient, reference: str, label_id: int) -> None:
    path = f"{artifact(REPO, reference)}/labels"
    assert client.post(path, json={"id": label_id}, auth=ADMIN).status_code == 200


def test_the_repository_leads_to_its_artifacts(client: TestClient, app: str) -> None:
    push_image(client, REPO)
    push_image(client, "team/tools/lint")
    for name, path in (("app", app), ("tools%2Flint", app.replace("/app/", "/tools%2Flint/"))):
        answer = client.get(f"/harbor/projects/team/repositories/{name}", auth=ADMIN)
        assert (answer.status_code, answer.headers["Location"]) == (303, path)
        assert client.get(path, auth=ADMIN).status_code == 200
        assert client.get(path.replace("%2F", "%252F"), auth=ADMIN).status_code == 200


@pytest.mark.parametrize("name", ["nothing", "a%2F..%2Fb", "%00", "x" * 300])
def test_a_repository_that_is_not_there_is_said_so(client: TestClient, app: str, name: str) -> None:
    for path in ("", "/artifacts-tab", "/info-tab", "/artifacts-tab/depth/1.0"):
        answer = client.get(f"/harbor/projects/team/repositories/{name}{path}", auth=ADMIN)
        assert answer.status_code in (404, 422)


def test_an_artifact_is_a_line(client: TestClient, app: str) -> None:
    image = push_image(client, REPO)
    page = show(client, app)
    assert listed(client, app) == [image.digest]
    text = words(page)
    assert image.digest.partition(":")[2][:8] in text
    assert "1.0" in text
    assert f'data-copy="docker pull testserver/{REPO}:1.0"' in page.text
    tag(client, "1.0", "2.0")
    client.cookies.set("harbor-pull", "nerdctl")
    assert f'data-copy="nerdctl pull testserver/{REPO}@{image.digest}"' in show(client, app).text


def test_few_tags_are_shown_and_the_rest_counted(client: TestClient, app: str) -> None:
    push_image(client, REPO, "t0")
    for n in range(1, 6):
        tag(client, "t0", f"t{n}")
    text = words(show(client, app))
    assert "t5 t4 t3 +3" in text


def test_an_empty_repository_says_what_to_do(
    client: TestClient, app: str, people: dict[str, Any]
) -> None:
    push_image(client, REPO)
    assert client.delete(artifact(REPO, "1.0"), auth=ADMIN).status_code == 200
    assert "No artifacts here" in words(show(client, app, people["guest"]))
    assert "Push commands" in words(show(client, app, people["dev"]))


def test_they_are_filtered(client: TestClient, app: str) -> None:
    one, two = push_image(client, REPO, "one"), push_image(client, REPO, "two")
    chart = push(client, REPO, "3.0_x", CHART, {}, annotations={"a": HOSTILE})
    bare = push_referrer(client, "team/other", one, NOTATION)
    label_id = make_label(client, "stable")
    label(client, "two", label_id)
    assert client.delete(f"{artifact(REPO, 'one')}/tags/one", auth=ADMIN).status_code == 200
    everything = [chart, two.digest, one.digest]
    assert listed(client, app) == everything
    assert listed(client, app, text="w") == [two.digest]
    assert listed(client, app, text="W") == []
    assert listed(client, app, by="digest", text=one.digest[7:19]) == [one.digest]
    assert listed(client, app, tags="untagged") == [one.digest]
    assert listed(client, app, tags="tagged") == [chart, two.digest]
    assert listed(client, app, kind="CHART") == [chart]
    assert listed(client, app, kind="CNAB") == []
    assert listed(client, app, label=label_id) == [two.digest]
    assert listed(client, app, label="", kind="", tags="", text="") == everything
    assert listed(client, app, text="two", tags="untagged") == [two.digest]
    assert bare.digest not in listed(client, app)


@pytest.mark.parametrize(
    "params", [{"label": "x"}, {"tags": "none"}, {"kind": "x" * 65}, {"page": 0}]
)
def test_what_makes_no_sense_is_refused(
    client: TestClient, app: str, params: dict[str, Any]
) -> None:
    push_image(client, REPO)
    assert client.get(app, params=params, auth=ADMIN).status_code == 422


@pytest.mark.parametrize("text", ["a,b", "=", "~", "%2C", "{", "(1)", "\\", "'", "nil", "*"])
def test_any_text_may_be_looked_for(client: TestClient, app: str, text: str) -> None:
    push_image(client, REPO)
    for by in ("tags", "digest"):
        assert client.get(app, params={"text": text, "by": by}, auth=ADMIN).status_code == 200
    assert client.get(app, params={"kind": text}, auth=ADMIN).status_code == 200


def test_they_are_sorted(client: TestClient, app: str) -> None:
    small = push_image(client, REPO, "small")
    large = push_image(client, REPO, "large", annotations={"a": "b" * 1000})
    assert listed(client, app, sort="size") == [small.digest, large.digest]
    assert listed(client, app, sort="-size") == [large.digest, small.digest]
    assert listed(client, app, sort="push_time") == [small.digest, large.digest]
    assert listed(client, app, sort="digest") == sorted([small.digest, large.digest])
    assert listed(client, app, sort="size", page=2, page_size=1) == [large.digest]


def test_charts_are_pulled_with_helm(client: TestClient, app: str) -> None:
    push_image(client, REPO)
    push(client, REPO, "3.0_x", CHART, {}, annotations={"a": HOSTILE})
    page = show(client, app)
    assert f'data-copy="helm pull oci://testserver/{REPO} --version 3.0+x"' in page.text
    assert harmless(page)


def test_a_signature_makes_it_signed(client: TestClient, app: str) -> None:
    image = push_image(client, REPO)
    push_referrer(client, REPO, image, "application/vnd.example.report")
    assert "Signed" not in words(show(client, app))
    push_referrer(client, REPO, image, COSIGN)
    assert "Signed" in words(show(client, app))
    assert listed(client, app) == [image.digest]


def test_accessories_open_below_the_line(client: TestClient, app: str) -> None:
    image, other = push_image(client, REPO), push_image(client, REPO, "plain")
    signature = push_referrer(client, REPO, image, NOTATION)
    page = show(client, app)
    assert page.text.count("data-open-row") == 1
    assert page.text.count('<tr class="detail"') == 1
    path = f"{app}/artifacts/{image.digest}/accessories"
    assert f'hx-get="{path}"' in page.text
    part = show(client, path)
    assert "Notation signature" in words(part)
    assert f'href="{app}/artifacts/{signature.digest}"' in part.text
    assert "<html" not in part.text
    assert signature.digest not in show(client, f"{app}/artifacts/{other.digest}/accessories").text


def test_an_index_leads_to_what_it_lists(client: TestClient, app: str) -> None:
    entries = []
    for n, arch in enumerate(("amd64", "arm64", "s390x", "riscv64")):
        child = push_image(client, REPO, f"c{n}")
        platform = {"os": "linux", "architecture": arch}
        entries.append(descriptor(child.raw, OCI_MANIFEST) | {"platform": platform})
    index = push_index(client, REPO, "multi", manifests=entries)
    push_referrer(client, REPO, index, COSIGN)
    page = show(client, app, text="multi", page_size=25)
    text = words(page)
    assert "4 images" in text
    assert "linux/amd64 linux/arm64 linux/s390x +1" in text
    path = f"{app}/depth/{index.digest}"
    back = "?back=text%3Dmulti%26page_size%3D25"
    assert f'href="{path}{back}"' in page.text
    below = show(client, f"{path}{back}")
    assert listed(client, path) == [entry["digest"] for entry in entries]
    assert f'href="{app}?text=multi&amp;page_size=25"' in below.text
    assert "linux/riscv64" in words(below)
    assert "signed with their index" in words(below)
    assert listed(client, path, page=2, page_size=3) == [entries[3]["digest"]]
    assert "This is no index" in words(show(client, f"{app}/depth/c0"))
    assert client.get(f"{app}/depth/nothing", auth=ADMIN).status_code == 404


def test_what_one_comes_back_to_is_the_list_and_nothing_else(client: TestClient, app: str) -> None:
    push_image(client, REPO)
    for back in ("//evil.example", "https://evil.example", '"><script>', "a&b=c#d"):
        page = show(client, f"{app}/depth/1.0", back=back)
        assert "evil.example" not in page.text.replace("%2Fevil.example", "")
        assert "<script>" not in page.text.partition("<main")[2]


def test_a_stranger_sees_a_public_repository(client: TestClient, app: str) -> None:
    push_image(client, REPO)
    metadata = {"metadata": {"public": "true"}}
    assert client.put("/api/v2.0/projects/team", json=metadata, auth=ADMIN).status_code == 200
    page = show(client, app, None)
    assert "Add labels" not in words(page)
    assert "Delete" not in words(page)
    assert "Copy digests" in words(page)


def test_a_page_takes_the_same_statements_however_much_it_shows(
    client: TestClient, app: str, statements: Callable[[Callable[[], object]], int]
) -> None:
    def counted(path: str) -> int:
        return statements(lambda: show(client, path))

    children = [push_image(client, REPO, "c0")]
    push_index(client, REPO, "multi0", *children)
    few = counted(app), counted(f"{app}/depth/multi0")
    label_id = make_label(client, "stable")
    for n in range(1, 8):
        children.append(push_image(client, REPO, f"c{n}"))
        index = push_index(client, REPO, f"multi{n}", *children)
        push_referrer(client, REPO, index, COSIGN)
        tag(client, f"c{n}", f"more{n}")
        label(client, f"c{n}", label_id)
    assert (counted(app), counted(f"{app}/depth/multi7")) == few
    assert min(few) > 0
    assert project_id(client, "team")
