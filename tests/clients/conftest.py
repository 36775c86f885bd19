"""One running registry, and one Docker engine, for all clients; a home for each test."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.clients.drivers import Client, Docker
from tests.clients.programs import Home, Site
from tests.conftest import POSTGRESQL, administer, database
from tests.crash.server import Server
from tests.make import ADMIN, Login, add_member, make_project, make_user

ROLES = {"ann": 1, "dev": 2, "gus": 3, "mia": 4}  # sam has none
PRIVATE, PUBLIC = "team", "open"
Program = TypeVar("Program", bound=Client)


@dataclass(frozen=True, slots=True)
class Registry:
    """The running registry, as its administrator sees it over HTTP."""

    host: str
    http: TestClient
    people: dict[str, Login]

    def digest_of(self, name: str, reference: str) -> str:
        """The digest of a manifest, told by the registry, and true of what it sends."""
        told = str(self.get(name, reference).headers["Docker-Content-Digest"])
        algorithm, _, encoded = told.partition(":")
        assert hashlib.new(algorithm, self.get(name, told).content).hexdigest() == encoded
        return told

    def manifest(self, name: str, reference: str) -> dict[str, Any]:
        return dict(self.get(name, reference).json())

    def get(self, name: str, reference: str) -> httpx2.Response:
        answer = self.http.get(f"/v2/{name}/manifests/{reference}", auth=ADMIN)
        assert answer.status_code == 200, answer.text
        return answer

    def status_of(self, name: str, reference: str) -> int:
        return self.http.head(f"/v2/{name}/manifests/{reference}", auth=ADMIN).status_code


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.clients)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A short path: that of a socket has at most 108 bytes."""
    made = Path(tempfile.mkdtemp(prefix="harbor-clients-"))
    yield made
    shutil.rmtree(made)


@contextlib.contextmanager
def serving(folder: Path, kind: type[Server] = Server, **settings: str) -> Iterator[Server]:
    """A running server; it must stop when told, and not have stumbled."""
    name = f"harbor_clients_{uuid.uuid4().hex}"
    if POSTGRESQL:
        administer(f'CREATE DATABASE "{name}"')
        settings |= {"HARBOR_DATABASE_URL": database(name)}
    server = kind(folder, {"HARBOR_FAILED_LOGIN_DELAY_S": "0", **settings})
    server.start()
    try:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.output(), server.output()
    finally:
        server.clean_up()
        if POSTGRESQL:
            administer(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def registry(folder: Path) -> Iterator[Registry]:
    """A registry with a private and a public project, and a user for each role."""
    with (
        serving(folder / "data") as server,
        httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as http,
    ):
        # What the functions of tests.make use of a test client, any client has.
        client = cast(TestClient, http)
        people = {name: make_user(client, name) for name in (*ROLES, "sam")}
        for project in (PRIVATE, PUBLIC):
            make_project(client, project, public=project == PUBLIC)
            for name, role in ROLES.items():
                add_member(client, project, people[name], role)
        yield Registry(f"127.0.0.1:{server.port}", client, people)


@pytest.fixture(scope="session")
def site(registry: Registry, folder: Path) -> Site:
    return Site(registry.host, folder)


@pytest.fixture(scope="session")
def docker_engine(site: Site) -> Iterator[None]:
    """A Docker engine of these tests' own, which leaves the machine's network alone."""
    daemon = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert daemon, "dockerd is missing: run tests/clients/install"
    log = site.folder / "dockerd.log"
    command = [daemon, "--iptables=false", "--ip6tables=false", "--bridge=none"]
    command += ["--storage-driver=vfs", "--exec-opt=native.cgroupdriver=cgroupfs"]
    command += [f"--data-root={site.folder / 'docker'}", f"--exec-root={site.folder / 'exec'}"]
    command += [f"--pidfile={site.folder / 'docker.pid'}", f"--host={site.docker}"]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as run:
        try:
            deadline = time.monotonic() + 60
            while b"API listen on" not in log.read_bytes():
                assert run.poll() is None, log.read_text()[-4000:]
                assert time.monotonic() < deadline, log.read_text()[-4000:]
                time.sleep(0.05)
            yield
        finally:
            run.terminate()
            run.wait(60)


@pytest.fixture
def name() -> str:
    """The name of a repository that no other test uses."""
    return f"app-{uuid.uuid4().hex[:12]}"


class SitAt(Protocol):
    def __call__(self, kind: type[Program], who: str = "") -> Program: ...


@pytest.fixture
def sit_at(request: pytest.FixtureRequest, registry: Registry, site: Site, tmp_path: Path) -> SitAt:
    """A client of a given kind, with a user logged in, or nobody: ``sit_at(Docker, "dev")``."""

    def as_user(kind: type[Program], who: str = "") -> Program:
        if kind is Docker:
            request.getfixturevalue("docker_engine")
        client = kind(Home(site, tmp_path / f"{kind.program}-{who}"))
        if who:
            client.login(registry.people[who]).ok()
        return client

    return as_user
