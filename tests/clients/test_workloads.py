"""Jobs of CI systems: clients that show a token of their own system as the robot's password."""

from collections.abc import Iterator

import pytest

from tests.auth.browsers import configure
from tests.auth.provider import CLIENT, Provider, running
from tests.clients.conftest import Registry, SitAt
from tests.clients.drivers import Client, Docker, Podman, Skopeo
from tests.clients.images import noise
from tests.make import ADMIN, API, make_project, make_robot


@pytest.fixture
def issuer(registry: Registry) -> Iterator[Provider]:
    """A CI system that the registry believes."""
    with running() as made:
        made.person = {"sub": "repo:team/app", "repository": "team/app"}
        configure(registry.http, workload_issuers=made.url)
        yield made
        configure(registry.http, workload_issuers="")


@pytest.mark.parametrize("kind", [Docker, Podman, Skopeo])
def test_a_job_pushes_and_pulls_with_the_token_of_its_system(
    sit_at: SitAt, registry: Registry, issuer: Provider, kind: type[Client]
) -> None:
    project = f"jobs-with-{kind.program}"
    project_id = make_project(registry.http, project)
    name, _ = make_robot(registry.http, "ci", {project: ["repository:push", "repository:pull"]})
    listed = {"q": f"Level=project,ProjectID={project_id}"}
    (robot,) = registry.http.get(f"{API}/robots", params=listed, auth=ADMIN).json()
    trust = {
        "issuer": issuer.url,
        "audience": CLIENT[0],
        "rules": [{"claim": "repository", "pattern": "team/*"}],
        "verify": False,
    }
    made = registry.http.post(f"{API}/robots/{robot['id']}/trusts", json=trust, auth=ADMIN)
    assert made.status_code == 201, made.text
    client, content = sit_at(kind), noise()
    client.login((name, issuer.token(repository="other/app"))).refused()
    client.login((name, issuer.token(aud="somebody-else"))).refused()
    client.login((name, issuer.token())).ok()
    client.push(f"{project}/app:1.0", content).ok()
    client.pull(f"{project}/app:1.0").ok()
    assert client.content(f"{project}/app:1.0") == content
    gone = registry.http.delete(made.headers["Location"], auth=ADMIN)
    assert gone.status_code == 200, gone.text
    client.pull(f"{project}/app:1.0").refused()
    client.login((name, issuer.token())).refused()
