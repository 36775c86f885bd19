"""What one worker was told, every worker knows: no answer is older than an acknowledged change."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select, update

from harbor.projects.models import Project, ProjectMetadata
from tests.conftest import opened
from tests.crash.client import ADMIN, OCI_MANIFEST, Client, Login, expect, image, sha256
from tests.crash.conftest import servers
from tests.crash.server import Server

pytestmark = pytest.mark.crash
READERS = 8
SECONDS = 6.0
LEAST_MOVES = 20  # also where a busy machine takes longer for them
API = "/api/v2.0"
NAME = "team/app"
ANN = ("ann", "Harbor12345")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("two")
    with servers(folder) as make:
        server = make(workers=2)
        server.start()
        yield server


@dataclass
class Ground:
    """What is known to be true, because the server said so."""

    bearer: dict[str, str]
    number: dict[str, int]  # of a manifest, by its digest
    moved: int = 0  # the manifest that the tag was last told to mean
    odd: int = 0  # tags with an odd number: t1, t3, …
    gone: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


def busy_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def bearer(client: Client) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.token(f'repository:{NAME}:pull')}"}


def reads_tag(client: Client, ground: Ground, method: str) -> None:
    before = ground.moved
    answer = client.call(method, f"/v2/{NAME}/manifests/moving", headers=ground.bearer)
    expect(answer, 200)
    digest = answer.headers["docker-content-digest"]
    assert ground.number[digest] >= before
    if method == "GET":
        assert sha256(answer.body) == digest


def lists_tags(client: Client, ground: Ground) -> None:
    before = ground.odd
    answer = expect(client.call("GET", f"/v2/{NAME}/tags/list", headers=ground.bearer), 200)
    assert {f"t{2 * n + 1}" for n in range(before)} <= set(answer.json()["tags"])


def reads_what_is_gone(client: Client, ground: Ground) -> None:
    for digest in ground.gone[-3:]:
        for method in ("GET", "HEAD"):
            path = f"/v2/{NAME}/manifests/{digest}"
            expect(client.call(method, path, headers=ground.bearer), 404)


def read_on(port: int, ground: Ground) -> int:
    """Ask until all is over, in connections that end up with either worker; return how often."""
    asked = 0
    while not ground.over.is_set():
        with Client(port) as client:
            for _ in range(20):
                reads_tag(client, ground, "GET")
                reads_tag(client, ground, "HEAD")
                lists_tags(client, ground)
                reads_what_is_gone(client, ground)
                asked += 1
    return asked


def write_on(port: int, ground: Ground) -> None:
    """Move the tag, add tags, delete manifests that were read a moment ago."""
    names = {number: digest for digest, number in ground.number.items()}
    until = time.monotonic() + SECONDS
    for number in range(1, len(names)):
        if number > LEAST_MOVES and time.monotonic() > until:
            return
        # A connection for each change: the workers take turns.
        with Client(port) as client:
            expect(client.put_manifest(NAME, "moving", manifest(number)), 201)
            ground.moved = number
            expect(client.put_manifest(NAME, f"t{number}", manifest(number)), 201)
            ground.odd += number % 2  # those stay
            if number > 3 and number % 2:
                old = names[number - 3]
                path = f"/v2/{NAME}/manifests/{old}"
                for _ in range(2):
                    expect(client.call("HEAD", path, headers=ground.bearer), 200)
                expect(client.call("DELETE", path), 202)
                ground.gone.append(old)


def manifest(number: int) -> bytes:
    return image(b"{}", annotations={"number": str(number)})


def test_no_worker_serves_what_was_changed_at_another(two: Server) -> None:
    with Client(two.port) as client:
        body = json.dumps({"project_name": "team"}).encode()
        told = {"Content-Type": "application/json"}
        expect(client.call("POST", f"{API}/projects", body, told), 201)
        expect(client.push_blob(NAME, b"{}"), 201)
        expect(client.put_manifest(NAME, "moving", manifest(0)), 201)
        ground = Ground(bearer(client), {sha256(manifest(n)): n for n in range(3_000)})
    workers = two.pids()[1:]
    before = [busy_ticks(pid) for pid in workers]
    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read_on, two.port, ground) for _ in range(READERS)]
        try:
            write_on(two.port, ground)
        finally:
            ground.over.set()
        asked = sum(reader.result() for reader in readers)
    assert ground.moved >= LEAST_MOVES
    assert asked > 100
    served = [busy_ticks(pid) - ticks for pid, ticks in zip(workers, before, strict=True)]
    assert sum(ticks > 10 for ticks in served) == 2, served


def everywhere(port: int, login: Login | None, path: str, status: int) -> None:
    """Ask in enough connections that both workers are among them."""
    for _ in range(12):
        with Client(port, login) as client:
            for method in ("HEAD", "GET"):
                expect(client.call(method, path, headers={"Accept": OCI_MANIFEST}), status)


async def make(server: Server, project: str, *, public: str) -> None:
    """Change a project beside the workers, as another program would."""
    url = server.settings["HARBOR_DATABASE_URL"] or f"sqlite:///{server.data / 'harbor.db'}"
    async with opened(url) as db, db.writing() as session:
        its_id = select(Project.project_id).where(Project.name == project).scalar_subquery()
        await session.execute(
            update(ProjectMetadata)
            .where(ProjectMetadata.project_id == its_id, ProjectMetadata.name == "public")
            .values(value=public)
        )


@pytest.mark.parametrize("turn", range(3))
def test_who_loses_a_right_has_lost_it_at_every_worker(two: Server, turn: int) -> None:
    project, ann = f"closed{turn}", (f"ann{turn}", "Harbor12345")
    told = {"Content-Type": "application/json"}
    path = f"/v2/{project}/app/manifests/1.0"

    def send(method: str, where: str, body: object, status: int) -> str:
        with Client(two.port) as client:
            answer = client.call(method, f"{API}{where}", json.dumps(body).encode(), told)
            return expect(answer, status).headers.get("location", "")

    send("POST", "/projects", {"project_name": project}, 201)
    email = {"email": f"{ann[0]}@example.com", "realname": ann[0]}
    send("POST", "/users", {"username": ann[0], "password": ann[1], **email}, 201)
    with Client(two.port, ADMIN) as client:
        expect(client.push_blob(f"{project}/app", b"{}"), 201)
        expect(client.put_manifest(f"{project}/app", "1.0", image(b"{}")), 201)
    everywhere(two.port, ann, path, 401)
    member = {"role_id": 3, "member_user": {"username": ann[0]}}
    place = send("POST", f"/projects/{project}/members", member, 201)
    everywhere(two.port, ann, path, 200)
    with Client(two.port) as client:
        expect(client.call("DELETE", place), 200)
    everywhere(two.port, ann, path, 401)
    for public, status in (("true", 200), ("false", 401)):
        asyncio.run(make(two, project, public=public))
        everywhere(two.port, ann, path, status)
