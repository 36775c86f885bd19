"""Clients that know a repository by a name that it had before."""

import pytest

from tests.clients.conftest import PRIVATE, Registry, SitAt
from tests.clients.drivers import Client, Crane, Skopeo
from tests.clients.images import noise
from tests.make import ADMIN, API, add_member, make_project


@pytest.mark.parametrize("kind", [Crane, Skopeo])
def test_pulls_by_the_old_name_go_on_and_pushes_are_told_the_new_one(
    kind: type[Client], sit_at: SitAt, registry: Registry, name: str
) -> None:
    client, content = sit_at(kind, "dev"), noise()
    project = f"p-{name}"
    make_project(registry.http, project)
    add_member(registry.http, project, registry.people["dev"], 2)
    before = f"{PRIVATE}/{name}"
    client.push(f"{before}:1.0", content).ok()
    path = f"{API}/projects/{PRIVATE}/repositories/{name}/move"
    wanted = {"project": project, "name": "here"}
    assert registry.http.post(path, json=wanted, auth=ADMIN).status_code == 200
    renamed = {"name": f"q-{name}"}
    path = f"{API}/projects/{project}/rename"
    assert registry.http.post(path, json=renamed, auth=ADMIN).status_code == 200
    now = f"q-{name}/here"
    for former in (before, f"{project}/here", now):
        client.pull(f"{former}:1.0").ok()
        assert client.content(f"{former}:1.0") == content
    for former in (before, f"{project}/here"):
        client.push(f"{former}:2.0", noise()).refused(now)
    client.push(f"{now}:2.0", noise()).ok()
    # Nobody else sees anything by the old name.
    stranger = sit_at(kind, "sam")
    stranger.pull(f"{before}:1.0").refused("unauthorized", "denied")
