"""Robot accounts, as clients sign in with them."""

import pytest

from tests.clients.conftest import Registry, SitAt
from tests.clients.drivers import Client, Crane, Docker, Oras
from tests.clients.images import noise
from tests.make import ADMIN, API, make_project, make_robot


@pytest.mark.parametrize("kind", [Docker, Oras, Crane])
def test_a_robot_pushes_and_pulls_where_it_may_while_it_is_there(
    sit_at: SitAt, registry: Registry, kind: type[Client]
) -> None:
    own, other = f"robots-of-{kind.program}", f"no-robots-of-{kind.program}"
    project_id = make_project(registry.http, own)
    make_project(registry.http, other)
    login = make_robot(registry.http, "ci", {own: ["repository:push"]})
    client, content = sit_at(kind), noise()
    client.login(login).ok()
    client.push(f"{own}/app:1.0", content).ok()
    client.pull(f"{own}/app:1.0").ok()
    assert client.content(f"{own}/app:1.0") == content
    client.push(f"{other}/app:1.0", noise()).refused()
    listed = {"q": f"Level=project,ProjectID={project_id}"}
    robot = registry.http.get(f"{API}/robots", params=listed, auth=ADMIN).json()[0]
    gone = registry.http.delete(f"{API}/robots/{robot['id']}", auth=ADMIN)
    assert gone.status_code == 200
    client.pull(f"{own}/app:1.0").refused()
