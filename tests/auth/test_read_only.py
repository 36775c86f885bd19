"""Read-only mode: whoever changes something is refused, whatever their rights."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.auth.csrf import SAFE
from harbor.doors import operations
from tests.auth.browsers import browser, configure, meant, sign_in, signed_in, who
from tests.conftest import Start
from tests.make import (
    ADMIN,
    API,
    bearer,
    error_of,
    make_project,
    message_of,
    push_image,
    sha256,
)
from tests.permissions.test_permissions import id_of
from tests.registry.servers import Rows

pytestmark = pytest.mark.once

TEXT = "The system is in read only mode. Any modification is prohibited."
ALLOWED = {"updateConfigurations", "login", "postLogOut", "userExists"}
CHANGING = [op for op in operations() if op.method not in SAFE]


def refused(answer: Any) -> bool:
    if answer.status_code != 403:
        return False
    told: tuple[int, str] = error_of(answer)
    return told == (403, "DENIED") and message_of(answer) == TEXT


def test_what_is_allowed_nonetheless() -> None:
    assert {id_of(op) for op in operations() if op.read_only_ok} >= ALLOWED
    for op in operations():
        assert not op.read_only_ok or op.method not in SAFE


@pytest.fixture(scope="module")
def frozen(shared: TestClient) -> TestClient:
    make_project(shared, "team")
    push_image(shared, "team/app")
    configure(shared, read_only=True)
    return shared


@pytest.mark.parametrize("op", CHANGING, ids=id_of)
def test_every_operation_that_changes_something_is_refused(frozen: TestClient, op: Any) -> None:
    named = {"name": "team/app", "digest": sha256(b"x"), "upload_id": "0" * 32, "reference": "1.0"}
    path = op.path.format_map(Anything(named))
    answer = frozen.request(op.method, path, auth=ADMIN)
    if op.page:
        assert (answer.status_code == 403) != op.read_only_ok
    else:
        assert refused(answer) != op.read_only_ok


class Anything(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "1"


def test_reading_goes_on(frozen: TestClient) -> None:
    assert frozen.get(f"{API}/projects/team", auth=ADMIN).status_code == 200
    assert frozen.get("/v2/team/app/manifests/1.0", auth=ADMIN).status_code == 200
    token = bearer(frozen, ADMIN, "repository:team/app:pull,push")
    assert frozen.get("/v2/team/app/manifests/1.0", headers=token).status_code == 200
    assert refused(frozen.post("/v2/team/app/blobs/uploads/", headers=token))


def test_signing_in_and_out_goes_on(frozen: TestClient) -> None:
    visitor = browser(frozen)
    assert sign_in(visitor).status_code == 200
    assert who(visitor) == "admin"
    assert refused(visitor.post(f"{API}/projects", json={}, headers=meant(visitor)))
    assert visitor.post("/c/log_out", headers=meant(visitor)).status_code == 200
    assert signed_in(frozen).get("/c/log_out").status_code == 200


def test_it_ends_as_it_began(start: Start, rows: Rows) -> None:
    client, other = start(), start()
    for is_frozen in (True, False):
        configure(client, read_only=is_frozen)
        for number, each in enumerate((client, other)):
            body = {"project_name": f"made{number}"}
            assert refused(each.post(f"{API}/projects", json=body, auth=ADMIN)) == is_frozen
    assert rows("SELECT COUNT(*) FROM project WHERE name LIKE 'made%'") == [(2,)]


def test_what_was_refused_is_not_in_the_audit_log(client: TestClient, rows: Rows) -> None:
    configure(client, read_only=True)
    client.post(f"{API}/projects", json={"project_name": "made"}, auth=ADMIN)
    assert rows("SELECT COUNT(*) FROM audit_log_ext WHERE resource_type = 'project'") == [(0,)]
