"""Listing quotas, and changing them."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, error_of, make_project, make_user, message_of, push_blob
from tests.quotas.storage import NONE, limit, make_limited, quota_of, used
from tests.registry.servers import Rows

PIB = 1024**5


def quotas(client: TestClient, **asked: str | int) -> list[dict[str, Any]]:
    answer = client.get(f"{API}/quotas", params=asked, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def names(client: TestClient, **asked: str | int) -> list[str]:
    return [quota["ref"]["name"] for quota in quotas(client, **asked)]


def change(client: TestClient, quota_id: object, body: Any) -> Any:
    return client.put(f"{API}/quotas/{quota_id}", json=body, auth=ADMIN)


def test_a_quota_is_shown_with_its_project(client: TestClient) -> None:
    ann = make_user(client, "ann")
    project_id = make_project(client, "team", owner=ann)
    push_blob(client, "team/app", b"four")
    shown = quota_of(client, "team")
    times = {name: shown.pop(name) for name in ("creation_time", "update_time")}
    assert all(time.endswith("Z") for time in times.values())
    assert shown == {
        "id": shown["id"],
        "ref": {"id": project_id, "name": "team", "owner_name": "ann"},
        "hard": {"storage": -1},
        "used": {"storage": 4},
    }
    assert client.get(f"{API}/quotas/{shown['id']}", auth=ADMIN).json() == shown | times


def test_the_first_project_has_a_quota(client: TestClient) -> None:
    (only,) = quotas(client)
    assert only["ref"] == {"id": 1, "name": "library", "owner_name": "admin"}
    assert (only["hard"], only["used"]) == ({"storage": -1}, {"storage": 0})


class TestANewProject:
    def given(self, client: TestClient, **body: Any) -> dict[str, int]:
        body["project_name"] = "team"
        made = client.post(f"{API}/projects", json=body, auth=ADMIN)
        assert made.status_code == 201, made.text
        return dict(quota_of(client, "team")["hard"])

    def configure(self, client: TestClient, **settings: Any) -> None:
        answer = client.put(f"{API}/configurations", json=settings, auth=ADMIN)
        assert answer.status_code == 200, answer.text

    def test_has_no_limit(self, client: TestClient) -> None:
        assert self.given(client) == {"storage": NONE}

    def test_has_the_limit_that_is_asked_for(self, client: TestClient) -> None:
        assert self.given(client, storage_limit=1000) == {"storage": 1000}

    @pytest.mark.parametrize("asked", [{}, {"storage_limit": 0}, {"storage_limit": None}])
    def test_has_the_limit_of_new_projects(self, client: TestClient, asked: dict[str, Any]) -> None:
        self.configure(client, storage_per_project=5000)
        assert self.given(client, **asked) == {"storage": 5000}

    def test_may_have_none_where_new_projects_have_one(self, client: TestClient) -> None:
        self.configure(client, storage_per_project=5000)
        assert self.given(client, storage_limit=NONE) == {"storage": NONE}

    def test_has_a_quota_where_quotas_are_switched_off(self, client: TestClient) -> None:
        self.configure(client, storage_per_project=5000, quota_per_project_enable=False)
        assert self.given(client, storage_limit=1000) == {"storage": 5000}


class TestTheList:
    @pytest.fixture
    def three(self, client: TestClient) -> TestClient:
        """Besides the library, in the order of their creation: large, none, small."""
        for name, nbytes, content in (
            ("large", 90, b"7654321"),
            ("none", NONE, b""),
            ("small", 9, b"321"),
        ):
            body = {"project_name": name, "storage_limit": nbytes}
            assert client.post(f"{API}/projects", json=body, auth=ADMIN).status_code == 201
            push_blob(client, f"{name}/app", content)
        return client

    @pytest.mark.parametrize(
        ("sort", "found"),
        [
            ("", ["small", "none", "large", "library"]),
            ("hard.storage", ["small", "large", "none", "library"]),
            ("-hard.storage", ["none", "library", "large", "small"]),
            ("used.storage", ["none", "library", "small", "large"]),
            ("-used.storage", ["large", "small", "none", "library"]),
            ("-hard.storage,-used.storage", ["none", "library", "large", "small"]),
            ("creation_time", ["library", "large", "none", "small"]),
            ("-update_time", ["small", "none", "large", "library"]),
            ("unknown", ["small", "none", "large", "library"]),
        ],
    )
    def test_is_sorted(self, three: TestClient, sort: str, found: list[str]) -> None:
        assert names(three, sort=sort) == found

    @pytest.mark.parametrize(
        ("q", "found"),
        [
            ("name=~al", ["small"]),
            ("hard.storage=-1", ["none", "library"]),
            ("used.storage=[3~]", ["small", "large"]),
            ("hard.storage={9 90}", ["small", "large"]),
            ("reference_id=1", ["library"]),
            ("unknown=1", ["small", "none", "large", "library"]),
        ],
    )
    def test_is_searched(self, three: TestClient, q: str, found: list[str]) -> None:
        assert names(three, q=q) == found

    def test_is_cut_into_pages(self, three: TestClient) -> None:
        pages = [names(three, page=n, page_size=3, sort="hard.storage") for n in (1, 2, 3)]
        assert pages == [["small", "large", "none"], ["library"], []]
        answer = three.get(f"{API}/quotas/", params={"page": 1, "page_size": 3}, auth=ADMIN)
        assert answer.headers["X-Total-Count"] == "4"
        assert 'rel="next"' in answer.headers["Link"]

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"reference": "project"}, 4),
            ({"reference": "registry"}, 0),
            ({"reference": "project", "reference_id": "1"}, 1),
            ({"reference_id": "01"}, 1),
            ({"reference_id": "0"}, 0),
            ({"reference_id": "library"}, 0),
            ({"reference_id": "-1"}, 0),
            ({"reference_id": "٣"}, 0),
            ({"reference_id": "2147483648"}, 0),
            ({"reference_id": "9" * 5000}, 0),
        ],
    )
    def test_is_limited_to_what_is_named(
        self, three: TestClient, asked: dict[str, str], found: int
    ) -> None:
        answer = three.get(f"{API}/quotas", params=asked, auth=ADMIN)
        assert len(answer.json()) == int(answer.headers["X-Total-Count"]) == found

    @pytest.mark.parametrize("q", ["name", "=1", "used.storage=much", "creation_time=today"])
    def test_does_not_guess(self, client: TestClient, q: str) -> None:
        answer = client.get(f"{API}/quotas", params={"q": q}, auth=ADMIN)
        assert error_of(answer) == (400, "BAD_REQUEST")


class TestALimit:
    @pytest.fixture
    def quota_id(self, shared: TestClient, repo: str) -> int:
        return int(quota_of(shared, repo.partition("/")[0])["id"])

    @pytest.mark.parametrize("nbytes", [1, 12_345, PIB, -1])
    def test_is_set(self, shared: TestClient, quota_id: int, nbytes: int) -> None:
        change(shared, quota_id, {"hard": {"storage": 7}})
        answer = change(shared, quota_id, {"hard": {"storage": nbytes}})
        assert (answer.status_code, answer.content) == (200, b"")
        shown = shared.get(f"{API}/quotas/{quota_id}", auth=ADMIN).json()
        assert shown["hard"] == {"storage": nbytes}
        assert shown["update_time"] > shown["creation_time"]

    @pytest.mark.parametrize("nbytes", [0, -2, PIB + 1, 2**63, 10**30])
    def test_is_within_reason(self, shared: TestClient, quota_id: int, nbytes: int) -> None:
        answer = change(shared, quota_id, {"hard": {"storage": nbytes}})
        assert error_of(answer) == (400, "BAD_REQUEST")
        assert "1125899906842624" in message_of(answer)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"hard": None},
            {"hard": {}},
            {"hard": {"count": 1}},
            {"hard": {"storage": 1, "count": 1}},
        ],
    )
    def test_is_one_of_storage_and_of_nothing_else(
        self, shared: TestClient, quota_id: int, body: Any
    ) -> None:
        assert error_of(change(shared, quota_id, body)) == (400, "BAD_REQUEST")

    @pytest.mark.parametrize("value", ["1", 1.5, True, None, [1]])
    def test_is_a_number(self, shared: TestClient, quota_id: int, value: Any) -> None:
        answer = change(shared, quota_id, {"hard": {"storage": value}})
        assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")

    def test_may_be_below_what_is_used(self, shared: TestClient, repo: str) -> None:
        project = repo.partition("/")[0]
        push_blob(shared, repo, b"much")
        limit(shared, project, 1)
        assert quota_of(shared, project)["hard"] == {"storage": 1}
        assert used(shared, project) == 4

    def test_is_set_on_record(self, shared: TestClient, shared_rows: Rows) -> None:
        project = make_limited(shared)
        limit(shared, project, 1)
        change(shared, quota_of(shared, project)["id"], {"hard": {"storage": 0}})
        project_id = quota_of(shared, project)["ref"]["id"]
        lines = shared_rows(
            "SELECT operation, resource, operation_result FROM audit_log_ext WHERE "
            f"resource_type = 'quota' AND project_id = {project_id}"
        )
        assert [(*line[:2], bool(line[2])) for line in lines] == [("update", project, True)]


@pytest.mark.parametrize("quota_id", ["0", "2147483647"])
def test_a_quota_that_is_not_there_is_not_found(shared: TestClient, quota_id: str) -> None:
    answer = shared.get(f"{API}/quotas/{quota_id}", auth=ADMIN)
    assert error_of(answer) == (404, "NOT_FOUND")
    assert message_of(answer) == f"quota {quota_id} not found"
    answer = change(shared, quota_id, {"hard": {"storage": 1}})
    assert error_of(answer) == (404, "NOT_FOUND")


@pytest.mark.parametrize("quota_id", ["x", "-1", "2147483648"])
def test_what_is_no_id_is_refused(shared: TestClient, quota_id: str) -> None:
    answer = shared.get(f"{API}/quotas/{quota_id}", auth=ADMIN)
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")
