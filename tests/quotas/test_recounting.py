"""POST /api/internal/syncquota: what projects store is summed up again."""

from sqlalchemy import update
from starlette.testclient import TestClient

from harbor.core.settings import Settings
from harbor.quotas.models import Quota
from tests.make import ADMIN, API, error_of, make_project, make_user, push_blob
from tests.quotas.storage import used
from tests.registry.servers import change

PLACE = "/api/internal/syncquota"


def test_what_is_wrong_is_mended(client: TestClient, settings: Settings) -> None:
    for name, data in (("one", b"four"), ("two", b"three")):
        make_project(client, name)
        push_blob(client, f"{name}/app", data)
    make_project(client, "empty")
    change(settings.database, update(Quota).values(used=77))
    assert used(client, "one") == 77
    answer = client.post(PLACE, auth=ADMIN)
    assert (answer.status_code, answer.content) == (202, b"")
    assert [used(client, name) for name in ("one", "two", "empty")] == [4, 5, 0]
    push_blob(client, "one/app", b"more")
    assert used(client, "one") == 8


def test_where_quotas_are_off_it_is_refused(client: TestClient, settings: Settings) -> None:
    make_project(client, "one")
    change(settings.database, update(Quota).values(used=77))
    told = {"quota_per_project_enable": False}
    assert client.put(f"{API}/configurations", json=told, auth=ADMIN).status_code == 200
    assert error_of(client.post(PLACE, auth=ADMIN)) == (403, "FORBIDDEN")
    assert used(client, "one") == 77


def test_only_administrators_may(client: TestClient) -> None:
    assert error_of(client.post(PLACE, auth=make_user(client, "ann"))) == (403, "FORBIDDEN")
