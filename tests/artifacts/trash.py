"""The trash of a project, asked as a client asks."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from starlette.testclient import TestClient

from harbor.app import Building
from tests.artifacts.rest import get
from tests.make import ADMIN, API


def trash_of(client: TestClient, project: str, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(client, f"{API}/projects/{project}/trash", **params)
    return found


def delete(client: TestClient, path: str) -> None:
    answer = client.delete(path, auth=ADMIN)
    assert answer.status_code == 200, answer.text


def restore(client: TestClient, project: str, entry: int) -> Any:
    return client.post(f"{API}/projects/{project}/trash/{entry}/restore", auth=ADMIN)


def pulled(client: TestClient, repo: str, reference: str) -> int:
    status: int = client.get(f"/v2/{repo}/manifests/{reference}", auth=ADMIN).status_code
    return status


def used(client: TestClient, project_id: int) -> int:
    (quota,) = get(client, f"{API}/quotas", reference_id=str(project_id))
    return int(quota["used"]["storage"])


def limit(client: TestClient, project_id: int, nbytes: int) -> None:
    """Let the project store no more than that."""
    (quota,) = get(client, f"{API}/quotas", reference_id=str(project_id))
    hard = {"hard": {"storage": nbytes}}
    assert client.put(f"{API}/quotas/{quota['id']}", json=hard, auth=ADMIN).status_code == 200


def counted(building: Building, work: Callable[[], None]) -> int:
    """How many statements the writing sessions ran during *work*."""
    seen: list[str] = []

    def see(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = building.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", see)
    work()
    event.remove(engine, "before_cursor_execute", see)
    return len(seen)
