"""What the settings say of the audit log: what is recorded, and where."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.audit.receiver import Receiver
from tests.conftest import Start
from tests.make import ADMIN, API, add_member, bearer, make_project, make_user, push_image
from tests.registry.servers import flush, until

Rows = Callable[[str], list[Any]]
LINES = """SELECT operation, resource_type, resource FROM audit_log_ext
           WHERE resource_type != 'configuration' ORDER BY id"""


def configure(client: TestClient, **values: object) -> None:
    answer = client.put(f"{API}/configurations", json=values, auth=ADMIN)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started


def test_kinds_of_events_can_be_left_out(client: TestClient, rows: Rows) -> None:
    configure(client, disabled_audit_log_event_types="create_project, create_member,update_project")
    make_project(client, "one")
    make_user(client, "ann")
    add_member(client, "one", ("ann", ""), 1)
    client.delete(f"{API}/projects/one", auth=ADMIN)
    assert rows(LINES) == [("create", "user", "ann"), ("delete", "project", "one")]


def test_failures_of_these_kinds_are_left_out_too(client: TestClient, rows: Rows) -> None:
    configure(client, disabled_audit_log_event_types="create_project")
    make_project(client, "one")
    body = {"project_name": "one", "metadata": {}}
    assert client.post(f"{API}/projects", json=body, auth=ADMIN).status_code == 409
    assert rows(LINES) == []


def pull_twice(client: TestClient, rows: Rows) -> None:
    headers = bearer(client, ADMIN, "repository:library/app:pull")
    for _ in range(2):
        assert client.get("/v2/library/app/manifests/1.0", headers=headers).status_code == 200
    until(client, lambda: rows("SELECT pull_count FROM repository"), [(2,)])


def test_pulls_can_be_left_out_and_are_counted_all_the_same(client: TestClient, rows: Rows) -> None:
    push_image(client, "library/app")
    configure(client, disabled_audit_log_event_types="pull_artifact")
    pull_twice(client, rows)
    assert rows(LINES) == [("create", "artifact", "library/app:1.0")]


def test_whoever_starts_the_server_can_leave_pulls_out(start: Start, rows: Rows) -> None:
    client = start(config_overwrite_json='{"pull_audit_log_disable": true}')
    push_image(client, "library/app")
    pull_twice(client, rows)
    assert rows(LINES) == [("create", "artifact", "library/app:1.0")]


def test_a_change_counts_at_once_in_every_process(start: Start, rows: Rows) -> None:
    one, other = start(), start()
    make_project(other, "before")
    configure(one, disabled_audit_log_event_types="create_project")
    make_project(other, "between")
    configure(one, disabled_audit_log_event_types="")
    make_project(other, "after")
    assert [resource for _, kind, resource in rows(LINES) if kind == "project"] == [
        "before",
        "after",
    ]


def test_the_database_can_be_left_out_if_somebody_else_keeps_lines(
    client: TestClient, rows: Rows, receiver: Receiver
) -> None:
    configure(client, audit_log_forward_endpoint=receiver.endpoint, skip_audit_log_database=True)
    push_image(client, "library/app")
    headers = bearer(client, ADMIN, "repository:library/app:pull")
    assert client.get("/v2/library/app/manifests/1.0", headers=headers).status_code == 200
    flush(client)
    told = [f"{action}, resource:library/app:1.0" for action in ("create", "pull")]
    until(
        client,
        lambda: [line.partition(", operation_description")[0] for line in receiver.told],
        told,
    )
    assert rows(LINES) == []


def test_lines_go_to_both_where_nothing_else_is_said(
    client: TestClient, rows: Rows, receiver: Receiver
) -> None:
    configure(client, audit_log_forward_endpoint=receiver.endpoint)
    make_project(client, "one")
    expected = ["create, resource:one, operation_description:create project: one"]
    until(client, lambda: receiver.told, expected)
    assert rows(LINES)[-1] == ("create", "project", "one")


def test_each_pull_is_told(client: TestClient, receiver: Receiver) -> None:
    push_image(client, "library/app")
    configure(client, audit_log_forward_endpoint=receiver.endpoint)
    headers = bearer(client, ADMIN, "repository:library/app:pull")
    for _ in range(3):
        assert client.get("/v2/library/app/manifests/1.0", headers=headers).status_code == 200
    pulled = "pull, resource:library/app:1.0, operation_description:pull artifact: library/app:1.0"
    until(client, lambda: receiver.told, 3 * [pulled])


def test_what_waits_at_the_end_is_told_before_the_server_stops(
    start: Start, receiver: Receiver
) -> None:
    client = start()
    push_image(client, "library/app")
    configure(client, audit_log_forward_endpoint=receiver.endpoint)
    headers = bearer(client, ADMIN, "repository:library/app:pull")
    assert client.get("/v2/library/app/manifests/1.0", headers=headers).status_code == 200
    client.__exit__(None, None, None)
    other = start()
    pulled = "pull, resource:library/app:1.0, operation_description:pull artifact: library/app:1.0"
    until(other, lambda: receiver.told, [pulled])


def test_nothing_waits_for_a_receiver_that_is_away(client: TestClient, rows: Rows) -> None:
    with Receiver() as first:
        configure(client, audit_log_forward_endpoint=first.endpoint)
        make_project(client, "before")
        until(client, lambda: len(first.lines), 1)
    make_project(client, "meanwhile")
    with Receiver(first.port) as again:
        until(client, lambda: [line.partition(",")[0] for line in again.told], ["create"])
    assert rows(LINES)[-1] == ("create", "project", "meanwhile")
