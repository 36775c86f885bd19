"""Renaming and moving while others push and pull: what is there is whole, named and charged."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.testclient import TestClient

from tests.artifacts.rest import repository
from tests.conftest import POSTGRESQL, Start
from tests.make import ADMIN, API, make_project, manifest_of, put_manifest, sha256

RENAMES = (("one", "uno"), ("two", "dos"), ("uno", "one"), ("dos", "two"))
PROJECTS = ("one", "two", "uno", "dos")
TRIES = 5
# What must find nothing.
WRONG = {
    "a repository that is not named after its project": """
        SELECT r.name FROM repository r JOIN project p ON p.project_id = r.project_id
        WHERE substr(r.name, 1, length(p.name) + 1) <> p.name || '/'""",
    "an artifact in another project than its repository": """
        SELECT a.id FROM artifact a JOIN repository r ON r.repository_id = a.repository_id
        WHERE a.project_id <> r.project_id""",
    "an artifact with a blob that cannot be read": """
        SELECT r.name FROM artifact_blob n JOIN artifact a ON a.id = n.artifact_id
        JOIN repository r ON r.repository_id = a.repository_id
        LEFT JOIN repository_blob b ON b.digest = n.digest AND b.repository = r.name
        AND b.project_id = r.project_id WHERE b.digest IS NULL""",
    "a blob that is not charged": """
        SELECT b.digest FROM repository_blob b LEFT JOIN project_blob c
        ON c.digest = b.digest AND c.project_id = b.project_id WHERE c.digest IS NULL""",
    "a manifest that is not charged": """
        SELECT a.digest FROM artifact a LEFT JOIN project_blob c
        ON c.digest = a.digest AND c.project_id = a.project_id WHERE c.digest IS NULL""",
    "a charge for nothing": """
        SELECT c.digest FROM project_blob c
        LEFT JOIN repository_blob b ON b.digest = c.digest AND b.project_id = c.project_id
        LEFT JOIN artifact a ON a.digest = c.digest AND a.project_id = c.project_id
        WHERE b.digest IS NULL AND a.digest IS NULL""",
    "a sum that is wrong": """
        SELECT q.project_id FROM quota q WHERE q.used <>
        (SELECT COALESCE(SUM(c.size), 0) FROM project_blob c WHERE c.project_id = q.project_id)""",
    "a former name of something that is there": """
        SELECT r.name FROM repository_redirect f JOIN project p ON p.project_id = f.project_id
        JOIN repository r ON r.name = p.name || '/' || f.name""",
}


@dataclass
class Person:
    """Does this and that, and notes what came of it."""

    client: TestClient
    dice: random.Random
    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def asked(self, kind: str, ask: Callable[[], Any]) -> Any:
        """The answer. Two who would wait for each other for ever, which PostgreSQL notices: one of
        them is told to try again, and does, as clients do."""
        answer = ask()
        for _ in range(TRIES):
            if not (POSTGRESQL and answer.status_code == 503 and answer.headers["Retry-After"]):
                break
            answer = ask()
        if answer.status_code >= 500:
            self.failed.append(f"{kind}: {answer.status_code} {answer.text}")
        if answer.status_code < 300:
            self.done.append(kind)
        return answer

    def place(self) -> str:
        return f"{self.dice.choice(PROJECTS)}/{self.dice.choice('abcd')}"

    def push(self) -> None:
        repo, content = self.place(), self.dice.randbytes(20)
        for data in (content, b"shared"):
            start = partial(self.client.post, f"/v2/{repo}/blobs/uploads/", auth=ADMIN)
            begun = self.asked("begin", start)
            if begun.status_code != 202:
                return
            params, path = {"digest": sha256(data)}, begun.headers["Location"]
            finish = partial(self.client.put, path, params=params, content=data, auth=ADMIN)
            self.asked("blob", finish)
        document = manifest_of(content, b"shared")
        self.asked("push", partial(put_manifest, self.client, repo, "1.0", document))

    def move(self) -> None:
        there = self.client.get(f"{API}/repositories", auth=ADMIN).json()
        for each in self.dice.sample(there, min(1, len(there))):
            project, name = self.place().split("/")
            wanted = {"project": project, "name": name}
            path = f"{repository(each['name'])}/move"
            self.asked("move", partial(self.client.post, path, json=wanted, auth=ADMIN))

    def rename(self) -> None:
        old, new = self.dice.choice(RENAMES)
        path = f"{API}/projects/{old}/rename"
        self.asked("rename", partial(self.client.post, path, json={"name": new}, auth=ADMIN))

    def live(self) -> None:
        for _ in range(12):
            self.dice.choice((self.push, self.push, self.move, self.move, self.rename))()


def test_everything_is_in_one_place_and_charged_there(
    start: Start, rows: Callable[[str], list[Any]]
) -> None:
    clients = [start(), start()]
    for project, _ in RENAMES[:2]:
        make_project(clients[0], project)
    people = [Person(clients[seed % 2], random.Random(seed)) for seed in range(4)]
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(Person.live, people))
    assert [text for each in people for text in each.failed] == []
    assert {"push", "move", "rename"} <= {kind for each in people for kind in each.done}
    assert {wrong: found for wrong, query in WRONG.items() if (found := rows(query))} == {}
