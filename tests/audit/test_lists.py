"""The lists of the audit log: who sees what, in which order, and what can be asked for."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from harbor.audit.service import lines
from harbor.audit.service.trail import write
from harbor.core.quick import Pen, Quick
from tests.conftest import Start
from tests.make import (
    ADMIN,
    API,
    Login,
    add_member,
    error_of,
    make_project,
    make_user,
    push_image,
)

Quickly = Callable[[Callable[[Quick], Awaitable[Any]]], Any]
LISTS = ("auditlog-exts", "audit-logs")
PROJECT_ADMIN, MAINTAINER = 1, 4


def listed(
    client: TestClient, path: str = "auditlog-exts", login: Login = ADMIN, **asked: Any
) -> Any:
    answer = client.get(f"{API}/{path}", params=asked, auth=login)
    assert answer.status_code == 200, answer.text
    return answer.json()


def resources(client: TestClient, path: str = "auditlog-exts", **asked: Any) -> list[str]:
    return [line["resource"] for line in listed(client, path, **asked)]


def fill(client: TestClient) -> TestClient:
    """Do seven things: two projects, two users, two members, a push."""
    make_project(client, "one")
    make_project(client, "two")
    make_user(client, "lead")
    make_user(client, "keeper")
    add_member(client, "one", ("lead", ""), PROJECT_ADMIN)
    add_member(client, "one", ("keeper", ""), MAINTAINER)
    push_image(client, "two/app")
    return client


@pytest.fixture(scope="module")
def busy(shared: TestClient) -> TestClient:
    """A server on which nothing else is done."""
    return fill(shared)


@pytest.fixture
def own(client: TestClient) -> TestClient:
    """A server on which a test may do more."""
    return fill(client)


LEAD, KEEPER = ("lead", "Passw0rd-of-a-test"), ("keeper", "Passw0rd-of-a-test")


def test_the_latest_comes_first(busy: TestClient) -> None:
    found = resources(busy)
    assert found == ["two/app:1.0", "keeper", "lead", "keeper", "lead", "two", "one"]


def test_a_line_is_told_whole(busy: TestClient) -> None:
    line = listed(busy)[-1]
    assert line.pop("id") > 0
    assert line.pop("op_time").endswith("Z")
    assert line == {
        "username": "admin",
        "resource": "one",
        "resource_type": "project",
        "operation": "create",
        "operation_description": "create project: one",
        "operation_result": True,
    }


def test_the_old_list_says_less_of_the_same_lines(busy: TestClient) -> None:
    fewer = ("id", "username", "resource", "resource_type", "operation", "op_time")
    expected = [{key: line[key] for key in fewer} for line in listed(busy)]
    assert listed(busy, "audit-logs") == expected
    of_one = [
        {key: line[key] for key in fewer} for line in listed(busy, "projects/one/auditlog-exts")
    ]
    assert listed(busy, "projects/one/logs") == of_one


def test_failures_are_listed(own: TestClient) -> None:
    body = {"project_name": "one", "metadata": {}}
    assert own.post(f"{API}/projects", json=body, auth=ADMIN).status_code == 409
    (line,) = listed(own, q="op_result=false")
    assert (line["operation"], line["resource"]) == ("create", "one")
    assert line["operation_result"] is False


@pytest.mark.parametrize("path", LISTS)
def test_a_project_admin_sees_the_projects_that_are_led(busy: TestClient, path: str) -> None:
    assert resources(busy, path, login=LEAD) == ["keeper", "lead", "one"]


@pytest.mark.parametrize("path", LISTS)
def test_others_see_nothing(own: TestClient, path: str) -> None:
    make_user(own, "stranger")
    for login in (KEEPER, ("stranger", LEAD[1])):
        answer = own.get(f"{API}/{path}", auth=login)
        assert (answer.status_code, answer.json()) == (200, [])
        assert answer.headers["X-Total-Count"] == "0"


@pytest.mark.parametrize("path", LISTS)
def test_nobody_is_to_sign_in(busy: TestClient, path: str) -> None:
    assert error_of(busy.get(f"{API}/{path}")) == (401, "UNAUTHORIZED")


def test_asking_for_another_project_shows_no_more(busy: TestClient) -> None:
    (project_id,) = {
        each["project_id"] for each in busy.get(f"{API}/projects?name=two", auth=ADMIN).json()
    }
    assert listed(busy, login=LEAD, q=f"project_id={project_id}") == []
    assert resources(busy, q=f"project_id={project_id}") == ["two/app:1.0", "two"]


def test_a_deleted_project_is_led_by_nobody(own: TestClient) -> None:
    assert own.delete(f"{API}/projects/one", auth=ADMIN).status_code == 200
    assert listed(own, login=LEAD) == []
    assert "one" in resources(own)


def test_a_project_tells_its_own(busy: TestClient) -> None:
    assert resources(busy, "projects/one/auditlog-exts", login=LEAD) == ["keeper", "lead", "one"]
    assert resources(busy, "projects/two/logs") == ["two/app:1.0", "two"]


@pytest.mark.parametrize("path", ["auditlog-exts", "logs"])
def test_a_project_that_is_missing_is_closed_to_all_but_admins(busy: TestClient, path: str) -> None:
    missing = f"{API}/projects/missing/{path}"
    assert error_of(busy.get(missing, auth=ADMIN)) == (404, "NOT_FOUND")
    assert error_of(busy.get(missing, auth=LEAD)) == (403, "FORBIDDEN")
    assert error_of(busy.get(missing)) == (401, "UNAUTHORIZED")


def test_here_a_project_is_named_even_if_the_name_is_a_number(own: TestClient) -> None:
    make_project(own, "1234567")
    assert resources(own, "projects/1234567/auditlog-exts") == ["1234567"]


@pytest.mark.parametrize("path", [*LISTS, "projects/one/auditlog-exts", "projects/one/logs"])
def test_lists_come_in_pages(busy: TestClient, path: str) -> None:
    answer = busy.get(f"{API}/{path}", params={"page": 2, "page_size": 1}, auth=ADMIN)
    everything = resources(busy, path)
    assert [line["resource"] for line in answer.json()] == everything[1:2]
    assert answer.headers["X-Total-Count"] == str(len(everything))
    assert "page=1" in answer.headers["Link"]
    assert 'rel="next"' in answer.headers["Link"]
    assert error_of(busy.get(f"{API}/{path}?page_size=101", auth=ADMIN))[0] == 422


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("operation=create,resource_type=project", ["two", "one"]),
        ("resource_type=~PROJ", ["two", "one"]),
        ("resource=lead", ["lead", "lead"]),
        ("resource=~app:", ["two/app:1.0"]),
        ("resource_type={artifact project}", ["two/app:1.0", "two", "one"]),
        ("resource_type=artifact", ["two/app:1.0"]),
        ("resource_type=~ART", ["two/app:1.0"]),
        ("resource_type=~J", ["two", "one"]),
        ("resource_type=~t", ["two/app:1.0", "two", "one"]),
        ("resource_type__in=project", ["two", "one"]),
        ("resource_type__gt=member,resource_type__lt=user", ["two", "one"]),
        ("resource_type=~x", []),
        ("operation=~CREA,resource=one", ["one"]),
        ("operation__icontains=CREA,resource=one", ["one"]),
        ("username=lead", []),
        ("username=~ADM,resource=one", ["one"]),
        ("op_desc=create project: one", ["one"]),
        ("OpDesc=~PROJECT: one", ["one"]),
        ("op_result=false", []),
        ("op_result=true,resource=one", ["one"]),
        ("op_time=[2000-01-01T00:00:00~],resource=one", ["one"]),
        ("op_time=[~2000-01-01T00:00:00]", []),
        ("resource=one,operation_result=false", ["one"]),  # no key of Harbor's
        ("resource=one,operation_description=no", ["one"]),
        ("resource=one,unknown=1", ["one"]),
    ],
)
@pytest.mark.parametrize("path", LISTS)
def test_what_is_asked_for_is_found(
    busy: TestClient, path: str, q: str, expected: list[str]
) -> None:
    answer = busy.get(f"{API}/{path}", params={"q": quote(q)}, auth=ADMIN)
    assert [line["resource"] for line in answer.json()] == expected
    assert answer.headers["X-Total-Count"] == str(len(expected))


def test_times_have_two_ends(busy: TestClient) -> None:
    times = [line["op_time"].rstrip("Z") for line in listed(busy)]
    low, high = times[4], times[2]
    expected = [time for time in times if low <= time <= high]
    found = listed(busy, q=f"op_time=[{low}~{high}999]")
    assert [line["op_time"].rstrip("Z") for line in found] == expected


def test_the_order_can_be_asked_for(busy: TestClient) -> None:
    assert resources(busy, sort="resource,-op_time", q="operation=create")[:3] == [
        "keeper",
        "keeper",
        "lead",
    ]
    assert resources(busy, sort="op_time") == list(reversed(resources(busy)))


@pytest.mark.parametrize("few", [0, 100, 50_000])
def test_pages_of_a_long_log_hold_each_line_once(
    start: Start, quickly: Quickly, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(lines, "FEW", few)  # so each list comes by each road
    monkeypatch.setattr(lines, "FEW_TALLIES", few % 1_000)
    count, moment = 1_150, datetime(2024, 5, 1, tzinfo=UTC)
    written = [
        {
            "project_id": 1,
            "operation": "pull" if i % 7 else "delete",
            "operation_description": f"line {i}",
            "operation_result": i % 5 != 0,
            "resource_type": "artifact" if i % 3 else "tag",
            "resource": f"library/app:{i}",
            "username": f"user{i % 11}",
            "op_time": moment + timedelta(seconds=i // 4),  # four at once
        }
        for i in range(count)
    ]
    quickly(lambda quick: quick.write(lambda pen: write_all(pen, written)))
    client = start()
    found = [
        line["resource"]
        for page in range(1, 14)
        for line in listed(client, page=page, page_size=100)
    ]
    assert found == [f"library/app:{i}" for i in reversed(range(count))]
    for q, holds in QUESTIONS.items():
        answer = client.get(f"{API}/auditlog-exts", params={"q": q, "page_size": 3}, auth=ADMIN)
        expected = [row["resource"] for row in reversed(written) if holds(row)]
        assert [line["resource"] for line in answer.json()] == expected[:3], q
        assert answer.headers["X-Total-Count"] == str(len(expected)), q
    for sort, key in ORDERS.items():
        for q in ("", "op_result=false,username=~user1"):
            holds = QUESTIONS.get(q, lambda _row: True)
            numbered = [(row, number) for number, row in enumerate(written) if holds(row)]
            expected = [row["resource"] for row, _ in sorted(numbered, key=key)]
            for page in (1, len(expected) // 40):
                found = resources(client, sort=sort, q=q, page=page, page_size=20)
                assert found == expected[(page - 1) * 20 : page * 20], (sort, q, page)
    ranged = resources(client, sort="username", q="op_time=[2024-05-01T00:04:40~]", page_size=50)
    assert ranged == [row["resource"] for row in sorted_by_user(written[4 * 280 :])]


async def write_all(pen: Pen, written: list[dict[str, Any]]) -> None:
    for line in written:
        row = dict(line)
        await write(pen, row, row.pop("op_time"))


def sorted_by_user(written: list[dict[str, Any]]) -> list[dict[str, Any]]:
    latest_first = written[::-1]
    return sorted(latest_first, key=lambda row: str(row["username"]))


# What each order sorts by, given a line and its number; the later ones come first among equals.
ORDERS: dict[str, Callable[[tuple[dict[str, Any], int]], Any]] = {
    "username": lambda each: (each[0]["username"], -each[1]),
    "-username": lambda each: ([-ord(letter) for letter in each[0]["username"] + "\0"], -each[1]),
    "operation,op_time": lambda each: (each[0]["operation"], each[0]["op_time"], -each[1]),
    "-resource_type,-op_time": lambda each: (each[0]["resource_type"] == "artifact", -each[1]),
    "op_result": lambda each: (each[0]["operation_result"], -each[1]),
    "project_id": lambda each: -each[1],
    "op_time,username": lambda each: (each[0]["op_time"], each[0]["username"], -each[1]),
    "op_desc": lambda each: (each[0]["operation_description"], -each[1]),
    "-id": lambda each: -each[1],
    "resource": lambda each: each[0]["resource"],
}
QUESTIONS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "operation=pull": lambda row: row["operation"] == "pull",
    "op_result=false,username=~user1": lambda row: (
        row["username"] in ("user1", "user10") and not row["operation_result"]
    ),
    "operation=delete": lambda row: row["operation"] == "delete",
    "operation=~PUL": lambda row: row["operation"] == "pull",
    "username=~user1": lambda row: row["username"] in ("user1", "user10"),
    "resource_type=tag": lambda row: row["resource_type"] == "tag",
    "resource_type=~A": lambda row: True,
    "resource_type=~g,op_result=false": lambda row: (
        row["resource_type"] == "tag" and not row["operation_result"]
    ),
    "op_result=false,project_id=1": lambda row: not row["operation_result"],
    "op_time=[2024-05-01T00:01:00~2024-05-01T00:02:00],username=user3": lambda row: (
        60 <= (row["op_time"] - datetime(2024, 5, 1, tzinfo=UTC)).seconds <= 120
        and row["username"] == "user3"
    ),
}


@pytest.mark.parametrize("path", [*LISTS, "projects/one/auditlog-exts", "projects/one/logs"])
@pytest.mark.parametrize(
    "q", ["operation", "project_id=one", "op_time=[~]", "op_result=perhaps", "resource=%2500"]
)
def test_what_cannot_be_asked_for_is_refused(busy: TestClient, path: str, q: str) -> None:
    answer = busy.get(f"{API}/{path}?q={q}", auth=ADMIN)
    assert error_of(answer) == (400, "BAD_REQUEST")


def test_events_are_named(busy: TestClient) -> None:
    found = busy.get(f"{API}/auditlog-exts/events", auth=ADMIN).json()
    names = [each["event_type"] for each in found]
    assert len(names) == len(set(names)) == 18
    assert {"create_artifact", "pull_artifact", "login_user", "update_configuration"} <= set(names)


def test_events_are_for_administrators(busy: TestClient) -> None:
    path = f"{API}/auditlog-exts/events"
    assert error_of(busy.get(path, auth=LEAD)) == (403, "FORBIDDEN")
    assert error_of(busy.get(path)) == (401, "UNAUTHORIZED")
