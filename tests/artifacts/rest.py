"""The REST API of artifacts, asked as a client asks."""

from typing import Any

from starlette.testclient import TestClient

from tests.make import ADMIN, API
from tests.registry.servers import project_of


def repository(repo: str) -> str:
    """The path of a repository; slashes in its name are encoded twice."""
    name = repo.partition("/")[2].replace("/", "%252F")
    return f"{API}/projects/{project_of(repo)}/repositories/{name}"


def artifact(repo: str, reference: str) -> str:
    return f"{repository(repo)}/artifacts/{reference}"


def get(client: TestClient, path: str, **params: Any) -> Any:
    """What is there, which must be there."""
    answer = client.get(path, params=params, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.json()


def digests(client: TestClient, repo: str, **params: Any) -> list[str]:
    """What a list of the artifacts shows, in its order."""
    return [each["digest"] for each in get(client, f"{repository(repo)}/artifacts", **params)]


def names(client: TestClient, path: str, **params: Any) -> list[str]:
    return [each["name"] for each in get(client, path, **params)]


def make_label(client: TestClient, name: str, project_id: int = 0) -> int:
    where = {"scope": "p", "project_id": project_id} if project_id else {"scope": "g"}
    made = client.post(f"{API}/labels", json={"name": name} | where, auth=ADMIN)
    assert made.status_code == 201, made.text
    return int(made.headers["Location"].rpartition("/")[2])
