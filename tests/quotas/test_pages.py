"""Quotas, as pages show and change them."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, make_project, push_image
from tests.projects.pages import HTMX, told, words, wrong_at

HERE = "/harbor/project-quotas"
GIB = 1024**3


def quota_of(client: TestClient, project_id: int) -> Any:
    asked = {"reference": "project", "reference_id": str(project_id)}
    (found,) = client.get(f"{API}/quotas", params=asked, auth=ADMIN).json()
    return found


def test_what_projects_store_is_shown(client: TestClient) -> None:
    make_project(client, "team")
    push_image(client, "team/app")
    text = words(client.get(HERE, auth=ADMIN))
    used = quota_of(client, client.get(f"{API}/projects/team", auth=ADMIN).json()["project_id"])
    assert f"team admin {used['used']['storage']} B, no limit No limit" in text
    assert (
        "library" not in words(client.get(f"{HERE}?text=eam", auth=ADMIN)).partition("Project")[2]
    )


def test_a_limit_is_set_and_taken_away(client: TestClient) -> None:
    project_id = make_project(client, "team")
    quota_id = quota_of(client, project_id)["id"]
    form = {"storage": "5", "storage_unit": "GiB"}
    saved = client.post(f"{HERE}/{quota_id}", data=form, auth=ADMIN, headers=HTMX)
    assert told(saved)["to"] == HERE
    assert quota_of(client, project_id)["hard"] == {"storage": 5 * GIB}
    dialog = client.get(f"{HERE}/{quota_id}", auth=ADMIN).text
    assert 'value="5"' in dialog
    client.post(f"{HERE}/{quota_id}", data={"storage_unit": "none"}, auth=ADMIN)
    assert quota_of(client, project_id)["hard"] == {"storage": -1}


def test_the_limit_of_new_projects(client: TestClient) -> None:
    form = {"storage": "2", "storage_unit": "TiB"}
    saved = client.post(f"{HERE}/default", data=form, auth=ADMIN)
    assert (saved.status_code, saved.headers["Location"]) == (303, HERE)
    assert "New projects: 2 TiB" in words(client.get(HERE, auth=ADMIN))
    assert quota_of(client, make_project(client, "team"))["hard"] == {"storage": 2048 * GIB}


@pytest.mark.parametrize("storage", ["", "0", "-1", "1.5", "x", "9" * 12, "9" * 40])
@pytest.mark.parametrize("place", ["default", "1"])
def test_what_is_no_limit_is_said_at_the_field(
    client: TestClient, storage: str, place: str
) -> None:
    form = {"storage": storage, "storage_unit": "TiB"}
    answer = client.post(f"{HERE}/{place}", data=form, auth=ADMIN, headers=HTMX)
    assert 400 <= answer.status_code < 500
    assert len(storage) > 32 or wrong_at(answer) == "storage"
    assert quota_of(client, 1)["hard"] == {"storage": -1}
