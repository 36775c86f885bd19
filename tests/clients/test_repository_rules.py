"""Rules about single repositories, as clients meet them: with tokens, and with a password."""

import pytest

from tests.clients.conftest import Registry, SitAt
from tests.clients.drivers import Client, Crane, Podman, Skopeo
from tests.clients.images import noise
from tests.make import (
    ADMIN,
    add_member,
    make_project,
    make_repository_rule,
    make_robot,
    push_image,
)


@pytest.mark.parametrize("kind", [Skopeo, Crane, Podman])
def test_a_developer_of_some_repositories(
    sit_at: SitAt, registry: Registry, kind: type[Client]
) -> None:
    project = f"ruled-by-{kind.program}"
    make_project(registry.http, project)
    dev = registry.people["dev"]
    add_member(registry.http, project, dev, 3)
    make_repository_rule(registry.http, project, "app/**", 2, user=dev)
    make_repository_rule(registry.http, project, "secret/**", 0)
    push_image(registry.http, f"{project}/secret/plans", login=ADMIN)
    client, content = sit_at(kind, "dev"), noise()
    client.push(f"{project}/app/web:1.0", content).ok()
    client.pull(f"{project}/app/web:1.0").ok()
    assert client.content(f"{project}/app/web:1.0") == content
    client.push(f"{project}/lib:1.0", noise()).refused()
    client.push(f"{project}/secret/plans:2.0", noise()).refused()
    client.pull(f"{project}/secret/plans:1.0").refused()
    assert registry.status_of(f"{project}/lib", "1.0") == 404
    assert registry.status_of(f"{project}/secret/plans", "2.0") == 404


@pytest.mark.parametrize("kind", [Skopeo, Crane, Podman])
def test_a_robot_of_some_repositories(
    sit_at: SitAt, registry: Registry, kind: type[Client]
) -> None:
    project = f"ruled-robot-of-{kind.program}"
    make_project(registry.http, project)
    push_image(registry.http, f"{project}/secret/plans", login=ADMIN)
    robot = make_robot(registry.http, "ci", {project: ["repository:pull"]})
    make_repository_rule(registry.http, project, "app/**", 2, robot=robot)
    make_repository_rule(registry.http, project, "secret/**", 0, robot=robot)
    client, content = sit_at(kind), noise()
    client.login(robot).ok()
    client.push(f"{project}/app/web:1.0", content).ok()
    client.pull(f"{project}/app/web:1.0").ok()
    assert client.content(f"{project}/app/web:1.0") == content
    client.push(f"{project}/lib:1.0", noise()).refused()
    client.push(f"{project}/secret/plans:2.0", noise()).refused()
    client.pull(f"{project}/secret/plans:1.0").refused()
    assert registry.status_of(f"{project}/lib", "1.0") == 404
    assert registry.status_of(f"{project}/secret/plans", "2.0") == 404
