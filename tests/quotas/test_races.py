"""However many push at once, the limit holds, and what is charged is what is there."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.core.settings import Settings
from tests.conftest import Start
from tests.make import ADMIN, manifest_of, push_blob, put_manifest, sha256
from tests.quotas.storage import begin, held, limit, make_limited, mount, post, put, used

FITTING = 5  # of
MANY = 12
Work = Callable[[], Any]


def content(number: int) -> bytes:
    return b"%04d" % number * 25


SIZE = len(content(0))


def at_once(works: Sequence[Work]) -> Counter[int]:
    """How often which status was answered to requests that begin at the same moment."""
    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(work) for work in random.sample(works, len(works))]
        return Counter(int(future.result().status_code) for future in futures)


@pytest.mark.parametrize("servers", [1, 2])
class TestExactlyAsManyAsFit:
    @pytest.fixture
    def clients(self, start: Start, servers: int) -> list[TestClient]:
        return [start() for _ in range(servers)]

    def run(self, clients: list[TestClient], work: Callable[[TestClient, str, int], Any]) -> None:
        """*work* for each of many contents in a project that has room for some."""
        project = make_limited(clients[0], FITTING * SIZE)
        works = [
            partial(work, clients[number % len(clients)], f"{project}/app", number)
            for number in range(MANY)
        ]
        assert at_once(works) == {201: FITTING, 403: MANY - FITTING}
        found = held(clients[0], f"{project}/app", "blobs", map(content, range(MANY)))
        assert sum(found.values()) == FITTING * SIZE
        assert used(clients[-1], project) == FITTING * SIZE

    def test_of_blobs_in_one_request(self, clients: list[TestClient], settings: Settings) -> None:
        self.run(clients, lambda client, repo, number: post(client, repo, content(number)))
        kept = [file for file in (settings.data / "blobs").rglob("*") if file.is_file()]
        assert len(kept) == FITTING
        assert list((settings.data / "uploads").iterdir()) == []

    def test_of_blobs_in_two(self, clients: list[TestClient]) -> None:
        def work(client: TestClient, repo: str, number: int) -> Any:
            data = content(number)
            return put(client, begin(client, repo), sha256(data), data)

        self.run(clients, work)

    def test_of_mounts(self, clients: list[TestClient]) -> None:
        for number in range(MANY):
            push_blob(clients[0], "library/base", content(number))

        def work(client: TestClient, repo: str, number: int) -> Any:
            return mount(client, repo, sha256(content(number)), "library/base")

        self.run(clients, work)

    def test_of_manifests(self, clients: list[TestClient]) -> None:
        raws = [self.manifest(number) for number in range(MANY)]
        project = make_limited(clients[0])
        push_blob(clients[0], f"{project}/app", b"{}")
        limit(clients[0], project, 2 + FITTING * len(raws[0]))
        works = [
            partial(
                put_manifest, clients[number % len(clients)], f"{project}/app", f"t{number}", raw
            )
            for number, raw in enumerate(raws)
        ]
        assert at_once(works) == {201: FITTING, 403: MANY - FITTING}
        assert used(clients[0], project) == 2 + FITTING * len(raws[0])
        tags = clients[0].get(f"/v2/{project}/app/tags/list", auth=ADMIN).json()["tags"]
        assert len(tags) == FITTING

    def manifest(self, number: int) -> bytes:
        return json.dumps(manifest_of(b"{}", annotations={"n": f"{number:04}"})).encode()

    def test_of_what_is_restored(self, clients: list[TestClient]) -> None:
        project = make_limited(clients[0])
        repo = f"{project}/app"
        push_blob(clients[0], repo, b"{}")
        raws = [self.manifest(number) for number in range(MANY)]
        for number, raw in enumerate(raws):
            put_manifest(clients[0], repo, f"t{number}", raw)
        for raw in raws:
            path = f"/v2/{repo}/manifests/{sha256(raw)}"
            assert clients[0].delete(path, auth=ADMIN).status_code == 202
        limit(clients[0], project, 2 + FITTING * len(raws[0]))
        trash = f"/api/v2.0/projects/{project}/trash"
        listed = clients[0].get(trash, params={"page_size": 100}, auth=ADMIN).json()
        works = [
            partial(
                clients[number % len(clients)].post, f"{trash}/{entry['id']}/restore", auth=ADMIN
            )
            for number, entry in enumerate(listed)
        ]
        assert at_once(works) == {200: FITTING, 403: MANY - FITTING}
        assert used(clients[0], project) == 2 + FITTING * len(raws[0])
        assert len(held(clients[0], repo, "manifests", raws)) == FITTING

    def test_of_the_same_blob_one_is_charged(self, clients: list[TestClient]) -> None:
        project = make_limited(clients[0], SIZE)
        works = [
            partial(post, clients[number % len(clients)], f"{project}/app{number % 3}", content(0))
            for number in range(MANY)
        ]
        assert at_once(works) == {201: MANY}
        assert used(clients[0], project) == SIZE


@pytest.mark.parametrize("servers", [1, 2])
def test_pushing_and_deleting_at_once_leaves_what_is_there_charged(
    start: Start, servers: int
) -> None:
    clients = [start() for _ in range(servers)]
    project = make_limited(clients[0])
    repos = [f"{project}/{name}" for name in ("app", "web")]
    blobs = [content(number) for number in range(3)]
    raws = [
        json.dumps(manifest_of(one, two)).encode() for one in blobs for two in blobs if one < two
    ]
    failed: list[str] = []

    def run(seed: int) -> None:
        dice, client = random.Random(seed), clients[seed % servers]
        for _ in range(15):
            repo, data, raw = dice.choice(repos), dice.choice(blobs), dice.choice(raws)
            works: list[Work] = [
                partial(post, client, repo, data),
                partial(mount, client, repo, sha256(data), dice.choice(repos)),
                partial(put_manifest, client, repo, dice.choice("ab"), raw),
                partial(client.delete, f"/v2/{repo}/blobs/{sha256(data)}", auth=ADMIN),
                partial(client.delete, f"/v2/{repo}/manifests/{sha256(raw)}", auth=ADMIN),
            ]
            answer = dice.choice(works)()
            if answer.status_code >= 500:
                failed.append(f"{answer.request.method} {answer.request.url}: {answer.text}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(run, range(6)))
    assert failed == []
    found: dict[str, int] = {}
    for repo in repos:
        found |= held(clients[0], repo, "blobs", blobs)
        found |= held(clients[0], repo, "manifests", raws)
        check_whole(clients[0], repo, raws)
    assert used(clients[0], project) == sum(found.values())


def check_whole(client: TestClient, repo: str, raws: list[bytes]) -> None:
    """Every manifest that is served has all its blobs."""
    for raw in raws:
        document = json.loads(raw)
        if held(client, repo, "manifests", [raw]):
            for each in (document["config"], *document["layers"]):
                blob = client.head(f"/v2/{repo}/blobs/{each['digest']}", auth=ADMIN)
                assert blob.status_code == 200


def test_the_last_image_goes_while_the_next_one_comes(shared: TestClient) -> None:
    """They share a layer, which the next one is not asked to send again."""
    project = make_limited(shared)
    layer = content(0)
    push_blob(shared, f"{project}/app", layer)
    raws = [
        json.dumps(manifest_of(layer, annotations={"n": str(number)})).encode()
        for number in range(9)
    ]
    assert put_manifest(shared, f"{project}/app", "0", raws[0]).status_code == 201
    for old, new in itertools.pairwise(raws):
        deleting = partial(shared.delete, f"/v2/{project}/app/manifests/{sha256(old)}", auth=ADMIN)
        found = at_once([deleting, partial(put_manifest, shared, f"{project}/app", "new", new)])
        assert found == {201: 1, 202: 1}
        assert used(shared, project) == len(layer) + len(new)


def test_a_limit_is_changed_while_many_push(shared: TestClient) -> None:
    project = make_limited(shared, MANY * SIZE)
    works = [partial(post, shared, f"{project}/app", content(number)) for number in range(MANY)]
    with ThreadPoolExecutor(1) as pool:
        lowering = pool.submit(limit, shared, project, SIZE)
        found = at_once(works)
        lowering.result()
    assert set(found) <= {201, 403}
    assert used(shared, project) == found[201] * SIZE
