"""The secret that docker and helm use for somebody who comes from a provider."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.auth.oidc import desk, providers
from tests.auth.browsers import Wait, browser, meant, who
from tests.auth.oidc import connect, secret_of, signed_in_there
from tests.auth.provider import Provider, running
from tests.conftest import Start
from tests.make import ADMIN, API, Login, add_member, error_of, make_project, push_image
from tests.registry.servers import Rows, in_server

WHOLE_DAY = 24 * 60


@pytest.fixture
def ann(client: TestClient, provider: Provider, rows: Rows) -> Login:
    """Somebody from the provider, who leads a project; name and secret."""
    signed_in_there(client)
    make_project(client, "team")
    add_member(client, "team", ("Ann_Lee", ""), 1)
    return "Ann_Lee", secret_of(rows)


def signs_in(client: TestClient, login: Login) -> bool:
    """Whether ``docker login`` works."""
    answer = client.get("/service/token", params={"service": "harbor-registry"}, auth=login)
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def refreshes(client: TestClient) -> None:
    """Wait for what the use of a secret has begun."""
    app: Any = client.app
    in_server(client, app.known.oidc.settle)


def set_secret(client: TestClient, user_id: int, secret: str, login: Login = ADMIN) -> Any:
    body = {"secret": secret}
    return client.put(f"{API}/users/{user_id}/cli_secret", json=body, auth=login)


def id_of(rows: Rows) -> int:
    return int(rows("SELECT user_id FROM oidc_user")[0][0])


def test_docker_signs_in_and_pushes_with_it(client: TestClient, ann: Login) -> None:
    assert signs_in(client, ann)
    assert signs_in(client, ("ann@example.org", ann[1]))
    assert push_image(client, "team/app", login=ann)
    assert client.get(f"{API}/projects", auth=ann).status_code == 200
    assert not signs_in(client, (ann[0], "wrong"))
    assert not signs_in(client, (ann[0], ""))


def test_it_is_no_password(client: TestClient, ann: Login) -> None:
    assert client.get(f"{API}/users/current", auth=ann).status_code == 401
    form = {"principal": ann[0], "password": ann[1]}
    assert browser(client).post("/c/login", data=form).status_code == 403


def test_it_works_when_the_refresh_token_is_dead(
    client: TestClient, ann: Login, provider: Provider, rows: Rows, wait: Wait
) -> None:
    provider.refuses_refresh = True
    wait(WHOLE_DAY)
    assert signs_in(client, ann)
    refreshes(client)
    assert rows("SELECT refresh_token FROM oidc_user") == [(None,)]
    asked = provider.asked.count("/token")
    wait(WHOLE_DAY)
    assert signs_in(client, ann)
    refreshes(client)
    assert provider.asked.count("/token") == asked  # what is dead is not tried again
    assert push_image(client, "team/app", login=ann)


def test_it_works_when_the_provider_is_away(
    client: TestClient, ann: Login, provider: Provider, rows: Rows, wait: Wait
) -> None:
    for path in ("/token", "/keys", "/.well-known/openid-configuration"):
        provider.answers[path] = (500, {}, b"")
    wait(WHOLE_DAY)
    assert signs_in(client, ann)
    refreshes(client)
    assert rows("SELECT count(*) FROM oidc_user WHERE refresh_token IS NOT NULL") == [(1,)]
    provider.answers.clear()
    app: Any = client.app
    app.known.oidc.providers = providers.Providers()
    asked = provider.asked.count("/token")
    wait(WHOLE_DAY)
    assert signs_in(client, ann)
    refreshes(client)
    assert provider.asked.count("/token") == asked + 1


def test_groups_and_rights_follow_the_provider_while_it_answers(
    client: TestClient, ann: Login, provider: Provider, rows: Rows, wait: Wait
) -> None:
    def may_list_all() -> bool:
        return client.get("/v2/_catalog", auth=ann).status_code == 200

    def groups() -> str:
        return str(rows("SELECT group_names FROM oidc_user")[0][0])

    assert not may_list_all()
    provider.in_token["groups"] = ["root", "dev"]
    wait(WHOLE_DAY)
    assert signs_in(client, ann)
    refreshes(client)
    assert may_list_all()
    assert "dev" in groups()
    provider.in_token["groups"] = []
    wait(WHOLE_DAY)
    assert signs_in(client, ann)
    refreshes(client)
    assert not may_list_all()
    assert "dev" not in groups()


def test_new_tokens_about_somebody_else_change_nothing(
    client: TestClient, ann: Login, provider: Provider, rows: Rows, wait: Wait
) -> None:
    provider.person |= {"sub": "8"}
    provider.in_token["groups"] = ["root"]
    wait(WHOLE_DAY)
    assert signs_in(client, ann)
    refreshes(client)
    assert client.get("/v2/_catalog", auth=ann).status_code != 200
    assert rows("SELECT subject, admin_group FROM oidc_user") == [("7", "")]


def test_another_provider_sees_no_tokens_and_inherits_no_rights(
    client: TestClient, provider: Provider, rows: Rows, wait: Wait
) -> None:
    provider.in_token["groups"] = ["root"]
    visitor = signed_in_there(client)
    assert visitor.get(f"{API}/users").status_code == 200
    login = ("Ann_Lee", secret_of(rows))
    with running() as other:
        connect(client, other, oidc_logout=True)
        assert visitor.get(f"{API}/users").status_code == 403
        assert visitor.get("/c/oidc/logout").headers["Location"] == "/account/sign-in"
        wait(WHOLE_DAY)
        assert signs_in(client, login)
        refreshes(client)
        assert other.asked == []


def test_it_is_asked_again_once_an_hour_only(
    client: TestClient, ann: Login, provider: Provider, wait: Wait
) -> None:
    asked = provider.asked.count("/token")
    wait(desk.REFRESH_EVERY / timedelta(minutes=1) + 1)
    for _ in range(3):
        assert signs_in(client, ann)
        refreshes(client)
    assert provider.asked.count("/token") == asked + 1


def test_it_ends_when_it_is_changed(client: TestClient, ann: Login, rows: Rows) -> None:
    new = "Another-Secret-1"
    assert set_secret(client, id_of(rows), new).status_code == 200
    assert not signs_in(client, ann)
    assert signs_in(client, (ann[0], new))
    assert set_secret(client, id_of(rows), "").status_code == 200
    assert not signs_in(client, (ann[0], new))
    assert signs_in(client, (ann[0], secret_of(rows)))
    assert error_of(set_secret(client, id_of(rows), "short")) == (400, "BAD_REQUEST")
    assert set_secret(client, 1, new).status_code == 404
    assert set_secret(client, 4711, new).status_code == 404
    assert set_secret(client, id_of(rows), new, ann).status_code == 401


def test_everybody_changes_their_own_in_a_browser(
    client: TestClient, provider: Provider, rows: Rows
) -> None:
    visitor = signed_in_there(client)
    assert secret_of(rows) in visitor.get("/account/cli-secret").text
    assert "/account/cli-secret" in visitor.get("/account/profile").text
    body = {"secret": "Another-Secret-1"}
    path = f"{API}/users/{id_of(rows)}/cli_secret"
    assert visitor.put(path, json=body).status_code == 403  # sent by another site's page
    assert visitor.put(path, json=body, headers=meant(visitor)).status_code == 200
    assert signs_in(client, ("Ann_Lee", "Another-Secret-1"))


def test_it_ends_with_the_account(
    client: TestClient, ann: Login, provider: Provider, rows: Rows
) -> None:
    gone = id_of(rows)
    assert client.delete(f"{API}/users/{gone}", auth=ADMIN).status_code == 200
    assert not signs_in(client, ann)
    assert rows("SELECT count(*) FROM oidc_user") == [(0,)]
    visitor = signed_in_there(client)  # they come back as somebody new
    assert visitor.get(f"{API}/users/current").json()["user_id"] != gone
    assert who(visitor) == "Ann_Lee"


def test_guesses_are_slowed_down_as_those_of_passwords(
    client: TestClient, ann: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    app: Any = client.app
    monkeypatch.setattr(app.known.accounts.lockout.here, "is_locked", lambda name, address: True)
    assert not signs_in(client, ann)


def test_it_counts_under_that_mode_only(client: TestClient, ann: Login, start: Start) -> None:
    other = start(config_overwrite_json='{"auth_mode": "db_auth"}')
    assert not signs_in(other, ann)
    assert error_of(set_secret(other, 1, "")) == (412, "PRECONDITION")
    assert signs_in(client, ann)
