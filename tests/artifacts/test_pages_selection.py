"""What is done with selected artifacts, and the description of their repository."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.pages import COSIGN, app, id_of, listed, show
from tests.artifacts.rest import artifact, get, make_label, repository
from tests.make import ADMIN, make_project, push_image, push_index, push_referrer
from tests.projects.pages import HTMX, audit, project_id, told, words, wrong_at

__all__ = ["app"]
REPO = "team/app"


def labels(client: TestClient, reference: str) -> list[str]:
    found = get(client, artifact(REPO, reference), with_label="true")["labels"] or []
    return [each["name"] for each in found]


def test_several_are_deleted(client: TestClient, app: str) -> None:
    images = [push_image(client, REPO, name) for name in ("one", "two", "three")]
    push_referrer(client, REPO, images[0], COSIGN)
    chosen = {"id": [id_of(client, REPO, name) for name in ("one", "two")]}
    asked = words(client.get(f"{app}/delete", params=chosen, auth=ADMIN))
    assert f"{images[0].digest[7:19]} (one)" in asked
    gone = client.post(f"{app}/delete", data=chosen, auth=ADMIN, headers=HTMX)
    trash = f"/harbor/projects/{project_id(client, 'team')}/trash"
    assert told(gone) == {
        "to": app,
        "said": "2 artifacts were deleted. The trash keeps what is deleted for 7 days.",
        "link": [trash, "Open the trash"],
    }
    assert listed(client, app) == [images[2].digest]
    lines = {line for line in audit(client) if line[0] == "delete"}
    assert lines == {("delete", "artifact", f"{REPO}@{images[n].digest}", True) for n in (0, 1)}


def test_what_an_index_lists_stays_and_is_said_so(client: TestClient, app: str) -> None:
    child, other = push_image(client, REPO, "child"), push_image(client, REPO, "other")
    index = push_index(client, REPO, "multi", child)
    chosen = {"id": [id_of(client, REPO, name) for name in ("child", "other")]}
    answer = client.post(f"{app}/delete", data=chosen, auth=ADMIN, headers=HTMX)
    assert answer.status_code == 200
    assert "data-failed" in answer.text
    assert "An index lists it; delete that first." in words(answer)
    assert listed(client, app) == [index.digest, child.digest]
    lines = {line[2:] for line in audit(client) if line[0] == "delete"}
    assert lines == {(f"{REPO}@{child.digest}", False), (f"{REPO}@{other.digest}", True)}


def test_an_index_goes_with_its_children_when_all_are_chosen(client: TestClient, app: str) -> None:
    child = push_image(client, REPO, "child")
    push_index(client, REPO, "multi", child)
    chosen = {"id": [id_of(client, REPO, name) for name in ("multi", "child")]}
    answer = client.post(f"{app}/delete", data=chosen, auth=ADMIN, headers=HTMX)
    assert told(answer)["said"].startswith("2 artifacts were deleted.")
    assert listed(client, app) == []


def test_labels_are_added_and_removed(client: TestClient, app: str) -> None:
    for name in ("one", "two"):
        push_image(client, REPO, name)
    stable, mine = (
        make_label(client, "stable"),
        make_label(client, "mine", project_id(client, "team")),
    )
    ids = [id_of(client, REPO, name) for name in ("one", "two")]
    asked = words(client.get(f"{app}/add-labels", params={"id": ids}, auth=ADMIN))
    assert "mine" in asked
    assert "stable" in asked
    for chosen in (ids[:1], ids):  # one has it already
        form = {"id": chosen, "label": [stable, mine]}
        answer = client.post(f"{app}/add-labels", data=form, auth=ADMIN, headers=HTMX)
        assert told(answer)["said"] == "The labels were added."
    assert labels(client, "one") == labels(client, "two") == ["mine", "stable"]
    assert "stable" in words(show(client, app))
    asked = words(client.get(f"{app}/remove-labels", params={"id": ids}, auth=ADMIN))
    assert "stable" in asked
    form = {"id": ids[1:], "label": [stable, 4711]}
    answer = client.post(f"{app}/remove-labels", data=form, auth=ADMIN, headers=HTMX)
    assert told(answer)["said"] == "The labels were removed."
    assert labels(client, "one") == ["mine", "stable"]
    assert labels(client, "two") == ["mine"]
    assert ("delete", "label") in [line[:2] for line in audit(client)]


def test_labels_of_another_project_cannot_be_added(client: TestClient, app: str) -> None:
    push_image(client, REPO)
    foreign = make_label(client, "foreign", make_project(client, "other"))
    form = {"id": id_of(client, REPO, "1.0"), "label": foreign}
    assert client.post(f"{app}/add-labels", data=form, auth=ADMIN).status_code == 404
    assert "foreign" not in words(client.get(f"{app}/add-labels", params=form, auth=ADMIN))
    assert labels(client, "1.0") == []


@pytest.mark.parametrize("what", ["add-labels", "remove-labels"])
def test_a_label_must_be_chosen(client: TestClient, app: str, what: str) -> None:
    push_image(client, REPO)
    form = {"id": id_of(client, REPO, "1.0")}
    answer = client.post(f"{app}/{what}", data=form, auth=ADMIN, headers=HTMX)
    assert answer.status_code == 400
    assert "Choose at least one label." in words(answer)


def test_there_may_be_no_labels(client: TestClient, app: str) -> None:
    push_image(client, REPO)
    chosen = {"id": id_of(client, REPO, "1.0")}
    assert "No labels yet" in words(client.get(f"{app}/add-labels", params=chosen, auth=ADMIN))
    assert "No labels here" in words(client.get(f"{app}/remove-labels", params=chosen, auth=ADMIN))


def test_digests_are_shown_to_be_copied(client: TestClient, app: str) -> None:
    images = [push_image(client, REPO, name) for name in ("one", "two")]
    chosen = {"id": [id_of(client, REPO, name) for name in ("one", "two")]}
    page = client.get(f"{app}/digests", params=chosen, auth=ADMIN)
    both = "\n".join(image.digest for image in reversed(images))
    assert f'data-copy="{both}"' in page.text


@pytest.mark.parametrize("what", ["delete", "add-labels", "remove-labels"])
def test_artifacts_of_another_repository_are_out_of_reach(
    client: TestClient, app: str, what: str
) -> None:
    push_image(client, REPO)
    push_image(client, "team/other")
    form = {"id": id_of(client, "team/other", "1.0"), "label": make_label(client, "stable")}
    assert client.get(f"{app}/{what}", params=form, auth=ADMIN).status_code == 404
    assert client.post(f"{app}/{what}", data=form, auth=ADMIN).status_code == 404
    kept = get(client, artifact("team/other", "1.0"), with_label="true")
    assert kept["labels"] is None


def test_a_description_is_written_and_shown(
    client: TestClient, app: str, people: dict[str, Any]
) -> None:
    push_image(client, REPO)
    info = app.replace("artifacts-tab", "info-tab")
    assert "No description yet" in words(show(client, info))
    text = "# Shop & <b>more</b>\n\n> It 'sells' *things*\n\n[x](javascript:alert(1))"
    form = {"description": text}
    saved = client.post(f"{info}/edit", data=form, auth=people["dev"], headers=HTMX)
    assert told(saved) == {"to": info, "said": "The description was saved."}
    page = show(client, info)
    assert "<h2>Shop &amp; &lt;b&gt;more&lt;/b&gt;</h2>" in page.text
    assert "<em>things</em>" in page.text
    assert "<blockquote>" in page.text
    assert 'href="javascript' not in page.text
    assert "# Shop & <b>more</b>" in words(client.get(f"{info}/edit", auth=ADMIN))
    kept = get(client, repository(REPO))["description"]
    assert kept.startswith("# Shop &amp; &lt;b&gt;")
    assert ("update", "repository", REPO, True) in audit(client)


def test_who_may_not_write_only_reads(client: TestClient, app: str, people: dict[str, Any]) -> None:
    push_image(client, REPO)
    info = app.replace("artifacts-tab", "info-tab")
    text = words(show(client, info, people["guest"]))
    assert "Nobody has written about this repository yet." in text
    assert "Write a description" not in text


def test_a_description_that_is_too_long_is_said_at_the_field(client: TestClient, app: str) -> None:
    push_image(client, REPO)
    info = app.replace("artifacts-tab", "info-tab")
    form = {"description": "&" * 60_000}  # longer once it is escaped
    answer = client.post(f"{info}/edit", data=form, auth=ADMIN, headers=HTMX)
    assert (answer.status_code, wrong_at(answer)) == (400, "description")
