"""Whatever is pushed, mounted and deleted, in whatever order: used is the sum of what is there.

What is there is found out by asking for everything that could be.
"""

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from starlette.testclient import TestClient

from harbor.app import Building
from tests.make import (
    ADMIN,
    API,
    LAYER,
    OCI_INDEX,
    OCI_MANIFEST,
    descriptor,
    manifest_of,
    put_manifest,
    sha256,
)
from tests.quotas.roads import UPLOADS
from tests.quotas.storage import NONE, begin, held, limit, make_limited, mount, put, quota_of
from tests.registry.servers import misjudged

BLOBS = [b"", b"config", b"a" * 30, b"b" * 70]
IMAGES = [
    json.dumps(manifest_of(config, *layers)).encode()
    for config, layers in (
        (BLOBS[1], [BLOBS[2]]),
        (BLOBS[1], [BLOBS[3], BLOBS[0]]),
        (BLOBS[2], [BLOBS[2], BLOBS[3]]),
    )
]
INDEX = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [descriptor(IMAGES[0], OCI_MANIFEST), descriptor(BLOBS[3], LAYER)],
    }
).encode()
SIGNATURE = json.dumps(manifest_of(BLOBS[1], subject=descriptor(IMAGES[1], OCI_MANIFEST))).encode()
MANIFESTS = [*IMAGES, INDEX, SIGNATURE]

projects = st.integers(0, 1)
repositories = st.tuples(projects, st.sampled_from(["app", "web"]))
blobs = st.sampled_from(BLOBS)
manifests = st.sampled_from(MANIFESTS)
tags = st.sampled_from("ab")
EXPECTED = {201, 202, 400, 403, 404, 405, 412}


class Machine(RuleBasedStateMachine):
    client: TestClient

    @initialize()
    def begin(self) -> None:
        self.names = [make_limited(self.client) for _ in range(2)]
        self.limits = [NONE, NONE]
        self.overdue: set[int] = set()  # they may use more than their limit
        self.touched = 0  # the project in which something happened last

    def repo(self, where: tuple[int, str]) -> str:
        return f"{self.names[where[0]]}/{where[1]}"

    def into(self, where: tuple[int, str]) -> str:
        self.touched = where[0]
        return self.repo(where)

    def used(self, project: int) -> int:
        return int(quota_of(self.client, self.names[project])["used"]["storage"])

    def check(self, answer: Any) -> None:
        assert answer.status_code in EXPECTED, answer.text

    @rule(where=repositories, data=blobs, road=st.sampled_from(UPLOADS[:4]))
    def push_blob(self, where: tuple[int, str], data: bytes, road: Any) -> None:
        if self.limits[where[0]] != NONE and self.used(where[0]) > self.limits[where[0]]:
            return  # no upload begins there
        self.check(road(self.client, self.into(where), data))

    @rule(where=repositories, data=blobs)
    def push_blob_badly(self, where: tuple[int, str], data: bytes) -> None:
        if self.limits[where[0]] == NONE:
            location = begin(self.client, self.into(where))
            self.check(put(self.client, location, sha256(data), data + b"!"))

    @rule(where=repositories, source=repositories, data=blobs)
    def mount(self, where: tuple[int, str], source: tuple[int, str], data: bytes) -> None:
        other = self.repo(source)
        self.check(mount(self.client, self.into(where), sha256(data), other))

    @rule(where=repositories, data=blobs)
    def mount_from_anywhere(self, where: tuple[int, str], data: bytes) -> None:
        self.check(mount(self.client, self.into(where), sha256(data)))

    @rule(where=repositories, raw=manifests, tag=tags)
    def push_manifest(self, where: tuple[int, str], raw: bytes, tag: str) -> None:
        kind = OCI_INDEX if raw == INDEX else OCI_MANIFEST
        self.check(put_manifest(self.client, self.into(where), tag, raw, media_type=kind))

    @rule(where=repositories, raw=st.sampled_from(IMAGES), tag=tags)
    def push_image(self, where: tuple[int, str], raw: bytes, tag: str) -> None:
        for data in BLOBS:
            if sha256(data).encode() in raw:
                self.push_blob(where, data, UPLOADS[0])
        self.push_manifest(where, raw, tag)

    @rule(where=repositories, raw=manifests)
    def delete_manifest(self, where: tuple[int, str], raw: bytes) -> None:
        self.delete(f"/v2/{self.into(where)}/manifests/{sha256(raw)}")

    @rule(where=repositories, tag=tags)
    def delete_tag(self, where: tuple[int, str], tag: str) -> None:
        self.delete(f"/v2/{self.into(where)}/manifests/{tag}")

    @rule(where=repositories, data=blobs)
    def delete_blob(self, where: tuple[int, str], data: bytes) -> None:
        self.delete(f"/v2/{self.into(where)}/blobs/{sha256(data)}")

    def delete(self, path: str) -> None:
        self.check(self.client.delete(path, auth=ADMIN))

    @rule(project=projects, nbytes=st.sampled_from([NONE, 1, 60, 700, 1500]))
    def set_limit(self, project: int, nbytes: int) -> None:
        limit(self.client, self.names[project], nbytes)
        self.limits[project] = nbytes
        self.touched = project
        self.overdue -= {project}
        if NONE != nbytes < self.used(project):
            self.overdue |= {project}

    @rule(project=projects)
    def delete_project(self, project: int) -> None:
        name = self.names[project]
        answer = self.client.delete(f"{API}/projects/{name}", auth=ADMIN)
        assert answer.status_code in (200, 412)
        if answer.status_code == 200:
            made = self.client.post(f"{API}/projects", json={"project_name": name}, auth=ADMIN)
            assert made.status_code == 201
            self.limits[project], self.touched = NONE, project
            self.overdue -= {project}

    @invariant()
    def what_is_used_is_what_is_there(self) -> None:
        name, bound = self.names[self.touched], self.limits[self.touched]
        found: dict[str, int] = {}
        for repo in (f"{name}/app", f"{name}/web"):
            here = held(self.client, repo, "blobs", BLOBS)
            images = held(self.client, repo, "manifests", MANIFESTS)
            for raw in IMAGES:
                if sha256(raw) in images:
                    assert {d for d in map(sha256, BLOBS) if d.encode() in raw} <= set(here)
            found |= here | images
        used = self.used(self.touched)
        assert used == sum(found.values())
        assert bound == NONE or self.touched in self.overdue or used <= bound

    @invariant()
    def artifacts_are_counted(self) -> None:
        building = self.client.app
        assert isinstance(building, Building)
        assert not (wrong := misjudged(building.settings.database)), wrong


def test_used_is_the_sum_of_what_is_there(shared: TestClient) -> None:
    class OnThisServer(Machine):
        client = shared

    run_state_machine_as_test(
        OnThisServer,
        settings=settings(
            max_examples=8,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
