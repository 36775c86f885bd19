"""Who signs in with a client: people of a directory, and whoever has a personal access token."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.auth.browsers import configure
from tests.auth.oidc import connect, to_provider
from tests.auth.provider import running
from tests.auth.test_access_tokens import make_token, revoke
from tests.clients.conftest import PRIVATE, Registry, SitAt
from tests.clients.drivers import Client, Docker, Podman
from tests.clients.images import noise
from tests.directory.slapd import running_slapd
from tests.make import ADMIN, API, Login, add_member, make_project

DEVELOPER = 2


@pytest.fixture
def of_ldap(registry: Registry, tmp_path: Path) -> Iterator[None]:
    """The registry knows people of a directory; afterwards those of its own only, as before."""
    place = f"{API}/configurations"
    with running_slapd(tmp_path / "slapd") as server:
        told = registry.http.put(place, json=server.settings, auth=ADMIN)
        assert told.status_code == 200, told.text
        yield
        alone = {"auth_mode": "db_auth", "auth_sources": ""}
        back = registry.http.put(place, json=alone, auth=ADMIN)
        assert back.status_code == 200, back.text


@pytest.mark.parametrize("kind", [Docker, Podman])
def test_somebody_of_a_directory_pushes_where_their_group_may(
    sit_at: SitAt, registry: Registry, of_ldap: None, kind: type[Client]
) -> None:
    project = f"builders-with-{kind.program}"
    make_project(registry.http, project)
    group = {"ldap_group_dn": "cn=builders,ou=groups,dc=example,dc=com", "group_type": 1}
    registry.http.post(f"{API}/usergroups", json=group, auth=ADMIN)
    member = {"role_id": DEVELOPER, "member_group": group}
    joined = registry.http.post(f"{API}/projects/{project}/members", json=member, auth=ADMIN)
    assert joined.status_code == 201, joined.text
    client, content = sit_at(kind), noise()
    client.login(("bob", "wrong")).refused()
    client.login(("bob", "bob-Passw0rd")).ok()
    client.push(f"{project}/app:1.0", content).ok()
    client.pull(f"{project}/app:1.0").ok()
    assert client.content(f"{project}/app:1.0") == content
    client.push(f"{PRIVATE}/app:1.0", noise()).refused()


@pytest.fixture
def of_oidc(registry: Registry) -> Iterator[Login]:
    """Somebody of an OpenID provider, who has signed in with a browser; name and CLI secret."""
    with running() as provider:
        connect(registry.http, provider)
        with httpx2.Client(base_url=registry.http.base_url) as visitor:
            # What the functions of tests.auth have of a test client, any client has.
            back = visitor.get(to_provider(cast(TestClient, visitor)))
            assert back.status_code == 303, back.text
            found = visitor.get(f"{API}/users/current").json()
        yield found["username"], found["oidc_user_meta"]["secret"]
        configure(registry.http, auth_mode="db_auth", auth_sources="")


def test_somebody_of_a_provider_pushes_with_the_secret_of_the_profile(
    sit_at: SitAt, registry: Registry, of_oidc: Login, name: str
) -> None:
    add_member(registry.http, PRIVATE, of_oidc, DEVELOPER)
    reference, content = f"{PRIVATE}/{name}:1.0", noise()
    client = sit_at(Docker)
    client.login((of_oidc[0], "wrong")).refused()
    client.login(of_oidc).ok()
    client.push(reference, content).ok()
    client.pull(reference).ok()
    assert client.content(reference) == content


def test_a_personal_access_token_does_what_it_is_for_until_it_is_revoked(
    sit_at: SitAt, registry: Registry, name: str
) -> None:
    dev = registry.people["dev"]
    reader = make_token(registry.http, dev, "pull")
    writer = make_token(registry.http, dev, "pull", "push")
    reference, content = f"{PRIVATE}/{name}:1.0", noise()
    client = sit_at(Podman)
    client.login(reader).ok()
    client.push(reference, content).refused()
    client.login(writer).ok()
    client.push(reference, content).ok()
    client.pull(reference).ok()
    assert client.content(reference) == content
    revoke(registry.http, dev, writer)
    client.pull(reference).refused()
    client.login(writer).refused()
