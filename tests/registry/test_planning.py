"""Statements of the registry's road are planned once, whatever they are asked about."""

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.core.quick.sqlite import SqliteQuick
from tests.make import add_member, bearer, make_project, make_user, push_image

DEVELOPER = 2


@pytest.mark.once  # SQLite counts how often it plans; PostgreSQL plans as it likes
def test_no_statement_is_planned_again_for_another_value(client: TestClient) -> None:
    assert isinstance(client.app, Building)
    quick = client.app.db.quick
    assert isinstance(quick, SqliteQuick)
    ann = make_user(client, "ann")
    for project in ("one", "two"):
        make_project(client, project)
        add_member(client, project, ann, DEVELOPER)
        repository = f"{project}/app"
        push_image(client, repository, "v1", login=ann)
        token = bearer(client, ann, f"repository:{repository}:pull,push")
        for path in ("manifests/v1", "tags/list"):
            assert client.get(f"/v2/{repository}/{path}", headers=token).status_code == 200
    for connection in (quick._reader, quick._writer):
        counted = connection.execute("SELECT sql, reprep FROM sqlite_stmt WHERE reprep > 0")
        assert counted.fetchall() == []
