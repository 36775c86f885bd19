"""How many artifacts lists show is kept with the repository; other tests find it right as well."""

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
from sqlalchemy import update
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.artifacts.models import Repository
from tests.artifacts.rest import artifact, get, repository
from tests.artifacts.trash import restore, trash_of
from tests.make import (
    ADMIN,
    API,
    OCI_INDEX,
    OCI_MANIFEST,
    Pushed,
    descriptor,
    index_of,
    make_project,
    manifest_of,
    push_image,
    put_manifest,
    sha256,
)
from tests.registry.servers import Change, misjudged, numbers, project_of

COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"


def totals(client: TestClient, repo: str, **params: Any) -> list[str]:
    """What lists of the repository and of its project say they have."""
    paths = (repository(repo), f"{API}/projects/{project_of(repo)}")
    answers = [client.get(f"{path}/artifacts", params=params, auth=ADMIN) for path in paths]
    return [answer.headers["X-Total-Count"] for answer in answers]


def test_lists_without_a_filter_are_not_counted(
    shared: TestClient, repo: str, shared_change: Change
) -> None:
    images = [push_image(shared, repo, tag) for tag in ("one", "two")]
    push_image(shared, f"{project_of(repo)}/other")
    this = update(Repository).where(Repository.name == repo)
    shared_change(this.values(artifact_count=70))
    assert totals(shared, repo) == ["70", "71"]
    assert totals(shared, repo, q="type=IMAGE") == ["2", "3"]
    assert get(shared, repository(repo))["artifact_count"] == 70
    shared_change(this.values(artifact_count=len(images)))
    assert totals(shared, repo) == ["2", "3"]


def made(raw: dict[str, Any]) -> Pushed:
    data = json.dumps(raw).encode()
    return Pushed(sha256(data), data)


CONFIGS = [b"one", b"two", b"three"]
LAYER = b"layer"
IMAGES = [made(manifest_of(config, LAYER)) for config in CONFIGS]
INDEX, OTHER = made(index_of(*IMAGES[:2])), made(index_of(*IMAGES[1:]))
ABOVE = made(
    index_of() | {"manifests": [descriptor(each.raw, OCI_INDEX) for each in (INDEX, OTHER)]}
)
SAYS = made(manifest_of(CONFIGS[0], subject=descriptor(IMAGES[0].raw, OCI_MANIFEST)))
ABOUT_INDEX = made(manifest_of(CONFIGS[0], subject=descriptor(INDEX.raw, OCI_INDEX)))
SIGNS = made(manifest_of(CONFIGS[1], layers=[descriptor(LAYER, COSIGN_LAYER)]))
EVERYTHING = [*IMAGES, SAYS, SIGNS, INDEX, OTHER, ABOVE, ABOUT_INDEX]
INDEXES = (INDEX, OTHER, ABOVE)
SIGNED = IMAGES[1].digest.replace(":", "-") + ".sig"

repositories = st.sampled_from(["app", "web", "new"])
artifacts = st.sampled_from(EVERYTHING)
tags = st.sampled_from(["a", "b", SIGNED])


class Machine(RuleBasedStateMachine):
    """Whatever is done, in whatever order: what is kept is what is there."""

    client: TestClient

    @initialize()
    def begin(self) -> None:
        self.project, self.other = (f"counts{next(numbers)}" for _ in range(2))
        for name in (self.project, self.other):
            make_project(self.client, name)
        for each in ("app", "web"):
            self.push_all(each, INDEX, "a")

    def push_blobs(self, repo: str) -> None:
        for data in (*CONFIGS, LAYER):
            place, asked = f"/v2/{repo}/blobs/uploads/", {"digest": sha256(data)}
            answer = self.client.post(place, params=asked, content=data, auth=ADMIN)
            assert answer.status_code in (201, 403), answer.text  # 403: it is a former name

    def post(self, path: str, body: Any = None, **params: str) -> None:
        answer = self.client.post(path, json=body, params=params, auth=ADMIN)
        assert answer.status_code < 500, answer.text

    def delete(self, path: str) -> None:
        assert self.client.delete(path, auth=ADMIN).status_code < 500

    def push(self, repo: str, pushed: Pushed, reference: str) -> None:
        kind = OCI_INDEX if pushed in INDEXES else OCI_MANIFEST
        answer = put_manifest(self.client, repo, reference, pushed.raw, media_type=kind)
        assert answer.status_code < 500, answer.text

    @rule(where=repositories, pushed=artifacts, tag=st.none() | tags)
    def push_one(self, where: str, pushed: Pushed, tag: str | None) -> None:
        self.push(f"{self.project}/{where}", pushed, tag or pushed.digest)

    @rule(where=repositories, pushed=artifacts, tag=tags)
    def push_all(self, where: str, pushed: Pushed, tag: str) -> None:
        repo = f"{self.project}/{where}"
        self.push_blobs(repo)
        for each in EVERYTHING:
            self.push(repo, each, each.digest)
        self.push(repo, pushed, tag)

    @rule(where=repositories, pushed=artifacts, tag=tags)
    def tag(self, where: str, pushed: Pushed, tag: str) -> None:
        repo = f"{self.project}/{where}"
        self.post(f"{artifact(repo, pushed.digest)}/tags", {"name": tag})

    @rule(where=repositories, tag=tags)
    def untag(self, where: str, tag: str) -> None:
        self.delete(f"/v2/{self.project}/{where}/manifests/{tag}")

    @rule(where=repositories, pushed=artifacts, tag=tags)
    def roll_back(self, where: str, pushed: Pushed, tag: str) -> None:
        path = f"{repository(f'{self.project}/{where}')}/tags/{tag}/rollback"
        self.post(path, {"digest": pushed.digest})

    @rule(where=repositories, pushed=artifacts)
    def remove(self, where: str, pushed: Pushed) -> None:
        self.delete(artifact(f"{self.project}/{where}", pushed.digest))

    @rule(where=repositories)
    def remove_repository(self, where: str) -> None:
        self.delete(repository(f"{self.project}/{where}"))

    @rule(at=st.integers(0, 1))
    def restore(self, at: int) -> None:
        for entry in trash_of(self.client, self.project)[at : at + 1]:
            assert restore(self.client, self.project, entry["id"]).status_code < 500

    @rule(where=repositories, source=repositories, pushed=artifacts)
    def copy(self, where: str, source: str, pushed: Pushed) -> None:
        path = f"{repository(f'{self.project}/{where}')}/artifacts"
        self.post(path, **{"from": f"{self.project}/{source}@{pushed.digest}"})

    @rule(where=repositories, name=repositories)
    def rename(self, where: str, name: str) -> None:
        self.post(f"{repository(f'{self.project}/{where}')}/move", {"name": name})

    @rule(where=repositories)
    def move_and_back(self, where: str) -> None:
        here, there = f"{self.project}/{where}", f"{self.other}/{where}"
        self.post(f"{repository(here)}/move", {"project": self.other})
        self.post(f"{repository(there)}/move", {"project": self.project})

    @invariant()
    def all_is_known(self) -> None:
        building = self.client.app
        assert isinstance(building, Building)
        url = building.settings.database
        assert not (wrong := misjudged(url)), wrong


def test_what_is_kept_is_what_is_there(shared: TestClient) -> None:
    class OnThisServer(Machine):
        client = shared

    run_state_machine_as_test(
        OnThisServer,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
