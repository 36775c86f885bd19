from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, add_member, make_project, make_user, push_image
from tests.projects.conftest import Configure, error, message

Rows = Callable[[str], list[Any]]
PROJECTS = f"{API}/projects"
BY_NAME = {"X-Is-Resource-Name": "true"}


def create(client: TestClient, name: str = "team", auth: Any = ADMIN, **more: Any) -> Any:
    return client.post(PROJECTS, json={"project_name": name, **more}, auth=auth)


def metadata_of(client: TestClient, name: str = "team") -> Any:
    return client.get(f"{PROJECTS}/{name}", auth=ADMIN).json()["metadata"]


def test_whoever_signs_in_creates_projects_and_administers_them(client: TestClient) -> None:
    ann = make_user(client, "ann")
    made = create(client, auth=ann)
    assert made.status_code == 201
    assert made.content == b""
    assert made.headers["Location"] == f"{PROJECTS}/2"
    shown = client.get(made.headers["Location"], auth=ann).json()
    assert (shown["name"], shown["owner_name"]) == ("team", "ann")
    assert (shown["current_user_role_id"], shown["current_user_role_ids"]) == (1, [1])


def test_an_administrator_may_keep_projects_to_administrators(
    client: TestClient, configure: Configure
) -> None:
    ann = make_user(client, "ann")
    configure(project_creation_restriction="adminonly")
    answer = create(client, auth=ann)
    assert error(answer) == (403, "FORBIDDEN")
    assert message(answer) == "Only system admin can create project"
    assert create(client).status_code == 201
    configure(project_creation_restriction="everyone")
    assert create(client, "anns", auth=ann).status_code == 201


def limit_of(client: TestClient, project: str) -> int:
    quota = client.get(f"{PROJECTS}/{project}/summary", auth=ADMIN).json()["quota"]
    return int(quota["hard"]["storage"])


@pytest.mark.parametrize(
    ("is_admin", "asked", "given"),
    [
        (True, 5000, 5000),
        (True, 1024**5, 1024**5),
        (True, -1, -1),
        (True, 0, 7000),
        (True, None, 7000),
        (False, 5000, 7000),
        (False, -1, 7000),
        (False, -2, 7000),
        (False, None, 7000),
    ],
)
def test_only_administrators_say_how_much_a_new_project_may_store(
    client: TestClient, configure: Configure, is_admin: bool, asked: int | None, given: int
) -> None:
    auth = ADMIN if is_admin else make_user(client, "ann")
    configure(storage_per_project=7000)
    assert create(client, auth=auth, storage_limit=asked).status_code == 201
    assert limit_of(client, "team") == given


@pytest.mark.parametrize("limit", [-2, 1024**5 + 1, -(2**63), 2**63 - 1])
def test_a_limit_that_cannot_be_is_refused(
    client: TestClient, configure: Configure, limit: int
) -> None:
    assert error(create(client, storage_limit=limit)) == (400, "BAD_REQUEST")
    assert client.get(f"{PROJECTS}/team", auth=ADMIN).status_code == 404
    configure(quota_per_project_enable=False)
    assert create(client, storage_limit=limit).status_code == 201


def test_a_stranger_creates_no_project(client: TestClient) -> None:
    assert error(create(client, auth=None)) == (401, "UNAUTHORIZED")


def test_the_location_ends_in_the_name_where_that_is_asked_for(client: TestClient) -> None:
    made = client.post(
        PROJECTS,
        json={"project_name": "team"},
        auth=ADMIN,
        headers={"X-Resource-Name-In-Location": "true"},
    )
    assert made.headers["Location"] == f"{PROJECTS}/team"


def test_a_project_shows_exactly_harbors_fields(client: TestClient) -> None:
    create(client, metadata={"public": "true", "severity": "High"})
    shown = client.get(f"{PROJECTS}/team", auth=ADMIN).json()
    times = {shown["creation_time"], shown["update_time"]}
    assert len(times) == 1
    (now,) = times
    then = shown["cve_allowlist"]["creation_time"]
    assert shown == {
        "project_id": 2,
        "owner_id": 1,
        "name": "team",
        "creation_time": now,
        "update_time": now,
        "repo_count": 0,
        "owner_name": "admin",
        "current_user_role_id": 1,
        "current_user_role_ids": [1],
        "metadata": {"public": "true", "severity": "high"},
        "cve_allowlist": {
            "id": 3,
            "project_id": 2,
            "items": [],
            "creation_time": then,
            "update_time": then,
        },
    }


def test_repositories_are_counted(client: TestClient) -> None:
    create(client)
    push_image(client, "team/app")
    push_image(client, "team/web")
    assert client.get(f"{PROJECTS}/team", auth=ADMIN).json()["repo_count"] == 2
    listed = client.get(PROJECTS, auth=ADMIN).json()
    assert {each["name"]: each["repo_count"] for each in listed} == {"library": 0, "team": 2}


def test_a_name_is_taken_once(client: TestClient) -> None:
    create(client)
    answer = create(client)
    assert error(answer) == (409, "CONFLICT")
    assert message(answer) == "The project named team already exists"


@pytest.mark.parametrize(
    ("name", "status"),
    [(None, 400), ("", 400), ("Team", 400), ("a--b", 400), ("a" * 256, 422), (5, 422)],
)
def test_a_bad_name_is_refused(client: TestClient, name: Any, status: int) -> None:
    assert create(client, name).status_code == status


def test_a_body_that_is_no_json_is_refused(client: TestClient) -> None:
    answer = client.post(PROJECTS, content=b"{", auth=ADMIN)
    assert error(answer) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("more", "public"),
    [
        ({}, "false"),
        ({"public": True}, "true"),
        ({"public": None, "metadata": None}, "false"),
        ({"public": True, "metadata": {}}, "true"),
        ({"public": True, "metadata": {"public": "false"}}, "false"),
        ({"metadata": {"public": "true", "auto_scan": None, "unheard_of": 7}}, "true"),
        ({"metadata": {"public": None}}, "false"),
        ({"metadata": {"public": "", "severity": ""}}, "false"),
        ({"cve_allowlist": None, "storage_limit": None, "registry_id": None, "x": 1}, "false"),
        ({"cve_allowlist": {"items": [{"cve_id": ""}]}}, "false"),
    ],
)
def test_only_what_is_known_and_told_is_kept(
    client: TestClient, more: dict[str, Any], public: str
) -> None:
    assert create(client, **more).status_code == 201
    assert metadata_of(client) == {"public": public}


@pytest.mark.parametrize(
    "metadata",
    [
        {"public": "maybe"},
        {"auto_scan": "maybe"},
        {"severity": "maybe"},
        {"retention_id": "3"},
    ],
)
def test_metadata_that_means_nothing_is_refused(
    client: TestClient, metadata: dict[str, str]
) -> None:
    assert error(create(client, metadata=metadata)) == (400, "BAD_REQUEST")
    assert client.get(f"{PROJECTS}/team", auth=ADMIN).status_code == 404


@pytest.mark.parametrize(
    ("admin", "registry_id", "status"), [(False, 1, 403), (True, 0, 400), (True, 1, 400)]
)
def test_a_proxy_cache_is_refused_while_there_are_no_registries(
    client: TestClient, admin: bool, registry_id: int, status: int
) -> None:
    auth = ADMIN if admin else make_user(client, "ann")
    assert create(client, auth=auth, registry_id=registry_id).status_code == status


def test_creating_is_audited_with_the_project_whether_it_succeeds_or_not(
    client: TestClient, rows: Rows
) -> None:
    create(client)
    create(client)
    found = rows(
        "SELECT operation, resource, username, operation_result, project_id FROM audit_log_ext"
        " WHERE resource_type = 'project' ORDER BY id"
    )
    assert [(*row[:3], bool(row[3]), row[4]) for row in found] == [
        ("create", "team", "admin", True, 2),
        ("create", "team", "admin", False, None),
    ]


def test_the_probe_tells_anyone_who_signs_in_whether_a_project_exists(client: TestClient) -> None:
    create(client)
    ann = make_user(client, "ann")
    for name, status in (("team", 200), ("nothing", 404)):
        answer = client.head(PROJECTS, params={"project_name": name}, auth=ann)
        assert answer.status_code == status
    assert client.head(PROJECTS, auth=ann).status_code == 422
    assert client.head(PROJECTS, params={"project_name": "team"}).status_code == 401


def test_a_project_whose_name_is_a_number_needs_the_header(client: TestClient) -> None:
    create(client, "1")
    assert client.get(f"{PROJECTS}/1", auth=ADMIN).json()["name"] == "library"
    assert client.get(f"{PROJECTS}/1", auth=ADMIN, headers=BY_NAME).json()["name"] == "1"


@pytest.mark.parametrize("reference", ["team", "2", "nothing", "99", "2%00", "9999999999"])
def test_a_closed_project_and_a_missing_one_look_alike(client: TestClient, reference: str) -> None:
    create(client)
    ann = make_user(client, "ann")
    assert error(client.get(f"{PROJECTS}/{reference}")) == (401, "UNAUTHORIZED")
    assert error(client.get(f"{PROJECTS}/{reference}", auth=ann)) == (403, "FORBIDDEN")


def test_an_admin_learns_that_a_project_is_missing(client: TestClient) -> None:
    assert error(client.get(f"{PROJECTS}/nothing", auth=ADMIN)) == (404, "NOT_FOUND")


def test_anyone_may_see_a_public_project(client: TestClient) -> None:
    shown = client.get(f"{PROJECTS}/library").json()
    assert shown["metadata"] == {"public": "true"}
    assert not {"current_user_role_id", "current_user_role_ids"} & shown.keys()


def test_the_list_holds_what_the_caller_may_see(client: TestClient) -> None:
    ann = make_user(client, "ann")
    make_project(client, "closed")
    make_project(client, "open", public=True)
    make_project(client, "shared")
    add_member(client, "shared", ann, 3)

    def names(auth: Any, **query: Any) -> list[str]:
        answer = client.get(PROJECTS, params=query, auth=auth)
        assert answer.headers["X-Total-Count"] == str(len(answer.json()))
        return [each["name"] for each in answer.json()]

    assert names(None) == ["library", "open"]
    assert names(None, public="false") == []
    assert names(ann) == ["library", "open", "shared"]
    assert names(ann, public="false") == ["shared"]
    assert names(ADMIN) == ["closed", "library", "open", "shared"]
    assert names(ADMIN, name="s", sort="-name", q="", unheard_of="1") == ["shared", "closed"]


def test_the_list_tells_the_callers_highest_role(client: TestClient) -> None:
    ann = make_user(client, "ann")
    make_project(client, "shared")
    add_member(client, "shared", ann, 4)
    shown = {each["name"]: each for each in client.get(PROJECTS, auth=ann).json()}
    assert shown["shared"]["current_user_role_id"] == 4
    assert shown["shared"]["current_user_role_ids"] == [4]
    assert "current_user_role_id" not in shown["library"]


def test_without_detail_only_the_row_and_the_counts_are_shown(client: TestClient) -> None:
    (library,) = client.get(PROJECTS, params={"with_detail": "false"}, auth=ADMIN).json()
    assert library["repo_count"] == 0
    assert library["current_user_role_id"] == 1
    assert not {"metadata", "owner_name", "cve_allowlist"} & library.keys()


def test_the_list_comes_in_pages(client: TestClient) -> None:
    for name in ("a", "b", "c"):
        create(client, name)
    answer = client.get(PROJECTS, params={"page": 2, "page_size": 1}, auth=ADMIN)
    assert [each["name"] for each in answer.json()] == ["b"]
    assert answer.headers["X-Total-Count"] == "4"
    assert answer.headers["Link"] == (
        f'<{PROJECTS}?page=1&page_size=1>; rel="prev" , <{PROJECTS}?page=3&page_size=1>; rel="next"'
    )


@pytest.mark.parametrize(
    "query", [{"page_size": 101}, {"page": 0}, {"public": "perhaps"}, {"name": "a\0b"}]
)
def test_a_question_that_makes_no_sense_is_refused(
    client: TestClient, query: dict[str, Any]
) -> None:
    answer = client.get(PROJECTS, params=query, auth=ADMIN)
    assert error(answer) == (422, "UNPROCESSABLE_ENTITY")
