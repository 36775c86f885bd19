"""Personal access tokens: what they open, what they do not, and when they end."""

from typing import Any

import pytest
from sqlalchemy import insert, update
from starlette.testclient import TestClient

from harbor.auth import personal
from harbor.auth.models import AccessToken
from harbor.configuration.models import Setting
from tests.auth.browsers import Wait, browser, meant, sign_in, signed_in
from tests.make import (
    ADMIN,
    API,
    PASSWORD,
    Login,
    add_member,
    bearer,
    error_of,
    make_project,
    make_user,
    push_image,
    token_for,
)
from tests.projects.pages import audit
from tests.registry.servers import Rows, change, flush
from tests.users.people import delete, id_of

OWN = f"{API}/users/current/tokens"
PULL, PUSH = "repository:team/app:pull", "repository:team/app:pull,push"


def make_token(client: TestClient, owner: Login, *actions: str, **more: Any) -> Login:
    """The name of the owner and a new token's secret, to be sent as a password."""
    made = new_token(client, owner, actions=list(actions), **more)
    assert made.status_code == 201, made.text
    return owner[0], str(made.json()["secret"])


def new_token(client: TestClient, owner: Login, **body: Any) -> Any:
    wanted = {"name": f"token {len(listed(client, owner))}", "actions": ["pull"]} | body
    return client.post(OWN, json=wanted, auth=owner)


def listed(client: TestClient, owner: Login) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(OWN, auth=owner).json()
    return found


def revoke(client: TestClient, owner: Login, token: Login) -> None:
    """End the newest token of *owner*'s, which is *token*."""
    gone = client.delete(f"{OWN}/{listed(client, owner)[0]['id']}", auth=owner)
    assert gone.status_code == 200, gone.text


@pytest.fixture
def ann(client: TestClient) -> Login:
    """A maintainer of the private project team, in which there is an image."""
    made = make_user(client, "ann")
    make_project(client, "team")
    add_member(client, "team", made, 4)
    push_image(client, "team/app", login=made)
    return made


def tags(client: TestClient, login: Login | None, repository: str = "team/app", **more: Any) -> int:
    return client.get(f"/v2/{repository}/tags/list", auth=login, **more).status_code


def begins_push(client: TestClient, login: Login, repository: str = "team/app") -> int:
    return client.post(f"/v2/{repository}/blobs/uploads/", auth=login).status_code


def test_a_token_is_accepted_wherever_a_password_is(client: TestClient, ann: Login) -> None:
    token = make_token(client, ann, "push", "read")
    assert client.get("/v2/", auth=token).status_code == 200
    assert tags(client, token) == 200
    assert tags(client, (f"{ann[0]}@example.com", token[1])) == 200
    assert tags(client, None, headers=bearer(client, token, PULL)) == 200
    assert client.get(f"{API}/users/current", auth=token).json()["username"] == "ann"
    push_image(client, "team/app", "2.0", login=token)


def test_its_secret_is_told_once_and_only_its_hash_is_kept(
    client: TestClient, ann: Login, rows: Rows
) -> None:
    _, secret = make_token(client, ann, "pull")
    assert personal.is_one(secret)
    assert secret.startswith("hbp_")
    assert secret not in client.get(OWN, auth=ann).text
    told = str(rows("SELECT * FROM access_token") + rows("SELECT * FROM audit_log_ext"))
    assert secret not in told
    assert personal.hashed(secret) in told
    assert audit(client)[0] == ("create", "access-token", "token 0", True)


def test_what_is_no_token_is_known_without_asking() -> None:
    real = personal.sealed("hbp_" + 36 * "a")
    assert personal.is_one(real)
    wrong = real[:-1] + ("0" if real[-1] != "0" else "1")
    assert not any(map(personal.is_one, [wrong, real[:-1], real + "0", real.upper(), "", "hbp_"]))


def test_it_is_its_owners_and_nobody_elses(client: TestClient, ann: Login) -> None:
    bob = make_user(client, "bob")
    _, secret = make_token(client, ann, "pull", "read")
    for name in ("bob", "admin", "", "ANN", "ann "):
        assert tags(client, (name, secret)) == 401
    (kept,) = listed(client, ann)
    assert listed(client, bob) == []
    assert client.delete(f"{OWN}/{kept['id']}", auth=bob).status_code == 404
    foreign = f"{API}/users/{id_of(client, 'bob')}/tokens/{kept['id']}"
    assert client.delete(foreign, auth=ADMIN).status_code == 404
    assert tags(client, ("ann", secret)) == 200


def done_with(client: TestClient, token: Login) -> set[str]:
    """What a maintainer's token turns out to be for."""
    push = bearer(client, token, PUSH)
    artifact = f"{API}/projects/team/repositories/app/artifacts/1.0"
    own = {"project_name": "own"}
    asked = {
        "pull": tags(client, token) == 200,
        "pull by bearer": tags(client, None, headers=push) == 200,
        "list": client.get(artifact, auth=token).status_code == 200,
        "push": begins_push(client, token) == 202,
        "push by bearer": client.post("/v2/team/app/blobs/uploads/", headers=push).is_success,
        "read": client.get(f"{API}/projects/team", auth=token).status_code == 200,
        "write": client.post(f"{API}/projects", json=own, auth=token).status_code == 201,
        "delete": client.delete(artifact, auth=token).status_code == 200,
    }
    return {each for each, worked in asked.items() if worked}


def test_it_does_what_it_is_for(client: TestClient, ann: Login) -> None:
    looks = {"pull", "pull by bearer", "list"}
    pushes = {"push", "push by bearer"}
    for action, expected in {
        "pull": looks,
        "push": looks | pushes,
        "read": {"read"},
        "write": {"read", "write"},
        "delete": looks | {"delete"},
    }.items():
        assert done_with(client, make_token(client, ann, action)) == expected


def test_a_token_for_some_projects_reaches_nothing_else(client: TestClient, ann: Login) -> None:
    make_project(client, "other", owner=ann)
    make_project(client, "open", public=True, owner=ann)
    for name in ("other", "open"):
        push_image(client, f"{name}/app", login=ann)
    token = make_token(client, ann, "push", "delete", "write", projects=["team"])
    assert [tags(client, token, f"{each}/app") for each in ("team", "other")] == [200, 401]
    assert [begins_push(client, token, f"{each}/app") for each in ("team", "open")] == [202, 401]
    assert tags(client, token, "open/app") == 200  # as anybody
    scopes = ["repository:other/app:pull,push", "repository:open/app:pull,push"]
    for scope in scopes:
        headers = bearer(client, token, scope)
        started = client.post(f"/v2/{scope.split(':')[1]}/blobs/uploads/", headers=headers)
        assert started.status_code == 401
    names = {each["name"] for each in client.get(f"{API}/projects", auth=token).json()}
    assert names == {"library", "open"}
    assert client.get(f"{API}/projects/other", auth=token).status_code == 403
    assert client.get(f"{API}/projects/team", auth=token).status_code == 200
    for path in ("users/current", "repositories", "auditlog-exts", "quotas"):
        assert "other" not in client.get(f"{API}/{path}", auth=token).text
    mounted = {"mount": "sha256:" + 64 * "0", "from": "other/app"}
    answer = client.post("/v2/team/app/blobs/uploads/", params=mounted, auth=token)
    assert answer.status_code == 202


def test_an_administrators_token_for_a_project_administers_nothing_else(
    client: TestClient, ann: Login
) -> None:
    make_project(client, "other")
    token = make_token(client, ADMIN, "push", "delete", "write", projects=["team"])
    assert tags(client, token) == 200
    assert client.get(f"{API}/projects/team/members", auth=token).status_code == 200
    for path in ("users", "configurations", "projects/other", "projects/nowhere", "quotas"):
        assert client.get(f"{API}/{path}", auth=token).status_code == 403
    assert client.get("/v2/_catalog", auth=token).status_code == 401
    whole = make_token(client, ADMIN, "read", "pull")
    assert client.get(f"{API}/users", auth=whole).status_code == 200
    assert client.get("/v2/_catalog", auth=whole).status_code == 200
    assert error_of(client.post(f"{API}/users", json={}, auth=whole)) == (403, "FORBIDDEN")
    assert begins_push(client, whole) == 401


def test_a_token_makes_no_token_and_opens_no_browser(client: TestClient, ann: Login) -> None:
    token = make_token(client, ann, "push", "delete", "write")
    assert error_of(client.get(OWN, auth=token)) == (403, "FORBIDDEN")
    assert new_token_with(client, token).status_code == 403
    (kept,) = listed(client, ann)
    assert client.delete(f"{OWN}/{kept['id']}", auth=token).status_code == 403
    assert client.get(f"{API}/users/current/sessions", auth=token).status_code == 403
    assert sign_in(browser(client), token).status_code == 401
    change_it = {"old_password": token[1], "new_password": "Another-Passw0rd"}
    path = f"{API}/users/{id_of(client, 'ann')}/password"
    assert client.put(path, json=change_it, auth=token).status_code == 403


def test_a_token_changes_nothing_of_what_opens_its_owners_account(
    client: TestClient, ann: Login
) -> None:
    """Not even one with all actions, and one of an administrator's."""
    profile = {"email": "eve@example.test", "realname": "Eve", "comment": ""}
    passwords = {"old_password": PASSWORD, "new_password": "Another-Passw0rd"}
    form = {"new_password": "Another-Passw0rd", "confirm": "Another-Passw0rd"}
    for owner, user_id in ((ann, id_of(client, "ann")), (ADMIN, 1)):
        token = make_token(client, owner, "push", "delete", "write")
        before = client.get(f"{API}/users/{user_id}", auth=ADMIN).json()
        answers = [
            client.put(f"{API}/users/{user_id}", json=profile, auth=token),
            client.put(f"{API}/users/0{user_id}", json=profile, auth=token),
            client.put(f"{API}/users/{user_id}/password", json=passwords, auth=token),
            client.put(f"{API}/users/{user_id}/sysadmin", json={}, auth=token),
            client.delete(f"{API}/users/{user_id}/sessions", auth=token),
            client.post(f"/harbor/users/{user_id}/second-factor", auth=token),
            client.post("/api/internal/renameadmin", auth=token),
            client.post("/account/rename", auth=token),
            client.post("/account/profile", data=profile, auth=token),
            client.post("/account/password", data=form, auth=token),
            client.post("/account/second-factor/begin", data={"password": PASSWORD}, auth=token),
        ]
        assert {each.status_code for each in answers} == {403}
        assert client.get(f"{API}/users/{user_id}", auth=ADMIN).json() == before
    make_user(client, "eve")
    other = f"{API}/users/{id_of(client, 'eve')}"
    assert client.put(other, json=profile, auth=token).status_code == 200


def new_token_with(client: TestClient, login: Login) -> Any:
    return client.post(OWN, json={"name": "more", "actions": ["write"]}, auth=login)


def test_revoking_ends_everything_that_was_issued_for_it_at_once(
    client: TestClient, ann: Login
) -> None:
    token = make_token(client, ann, "push")
    headers = bearer(client, token, PUSH)
    for _ in range(3):  # so that it is remembered
        assert client.get("/v2/team/app/manifests/1.0", headers=headers).status_code == 200
    revoke(client, ann, token)
    assert client.get("/v2/team/app/manifests/1.0", headers=headers).status_code == 401
    assert tags(client, token) == 401
    assert tags(client, ann) == 200
    assert ("delete", "access-token", "token 0", True) in audit(client)


def test_a_new_token_does_not_revive_what_was_issued_for_an_old_one(
    client: TestClient, ann: Login
) -> None:
    token = make_token(client, ann, "pull")
    headers = bearer(client, token, PULL)
    revoke(client, ann, token)
    make_token(client, ann, "pull")
    assert tags(client, None, headers=headers) == 401


def test_it_ends_when_it_was_told_to(client: TestClient, ann: Login, wait: Wait) -> None:
    short = make_token(client, ann, "pull", duration=1)
    lasting = make_token(client, ann, "pull", duration=-1)
    assert [each["expires_at"] is None for each in listed(client, ann)] == [True, False]
    wait(24 * 60 - 10)
    issued = client.get(
        "/service/token", params={"service": "harbor-registry", "scope": PULL}, auth=short
    ).json()
    assert issued["expires_in"] <= 600
    wait(12)
    assert tags(client, short) == 401
    assert tags(client, None, headers={"Authorization": f"Bearer {issued['token']}"}) == 401
    assert tags(client, lasting) == 200


def test_it_ends_with_the_account_and_its_rights_with_those_of_its_owner(
    client: TestClient, ann: Login, rows: Rows
) -> None:
    token = make_token(client, ann, "pull")
    member = client.get(f"{API}/projects/team/members", auth=ADMIN).json()
    (path,) = [
        f"{API}/projects/team/members/{each['id']}"
        for each in member
        if each["entity_name"] == "ann"
    ]
    assert client.delete(path, auth=ADMIN).status_code == 200
    assert tags(client, token) == 401
    assert client.get("/v2/", auth=token).status_code == 200
    assert delete(client, id_of(client, "ann")).status_code == 200
    assert client.get("/v2/", auth=token).status_code == 401
    assert rows("SELECT COUNT(*) FROM access_token") == [(0,)]


def test_its_last_use_is_shown(client: TestClient, ann: Login, wait: Wait) -> None:
    token = make_token(client, ann, "pull")
    assert listed(client, ann)[0]["last_used"] is None
    tags(client, token)
    flush(client)
    (first,) = listed(client, ann)
    assert first["last_address"] == "testclient"
    wait(5)
    tags(client, token)
    flush(client)
    assert listed(client, ann)[0]["last_used"] > first["last_used"]


@pytest.mark.parametrize("mode", ["ldap_auth", "oidc_auth"])
def test_it_is_accepted_under_every_mode(
    client: TestClient, ann: Login, database_url: str, mode: str
) -> None:
    token = make_token(client, ann, "pull")
    change(database_url, insert(Setting).values(name="auth_mode", value=f'"{mode}"'))
    assert tags(client, token) == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": ""}, 400),
        ({"name": "a\r\nSet-Cookie: x=1"}, 400),
        ({"name": "n" * 65}, 422),
        ({"actions": []}, 400),
        ({"actions": ["admin"]}, 422),
        ({"projects": []}, 400),
        ({"projects": ["nowhere"]}, 404),
        ({"projects": ["hidden"]}, 404),
        ({"projects": ["team/app"]}, 404),
        ({"duration": 0}, 400),
        ({"duration": -2}, 422),
        ({"duration": 10**9}, 422),
        ({"name": "taken"}, 409),
    ],
)
def test_what_cannot_be_is_refused(
    client: TestClient, ann: Login, body: dict[str, Any], status: int
) -> None:
    make_project(client, "hidden")
    make_token(client, ann, "pull", name="taken")
    assert new_token(client, ann, **body).status_code == status
    assert len(listed(client, ann)) == 1


def test_another_sites_page_makes_none(client: TestClient, ann: Login) -> None:
    here = signed_in(client, ann)
    wanted = {"name": "stolen", "actions": ["write"]}
    assert here.post(OWN, json=wanted).status_code == 403
    evil = {"Origin": "https://evil.example"}
    assert here.post(OWN, json=wanted, headers=meant(here) | evil).status_code == 403
    assert listed(client, ann) == []
    assert here.post(OWN, json=wanted, headers=meant(here)).status_code == 201


def test_an_administrator_sees_and_ends_those_of_others(client: TestClient, ann: Login) -> None:
    token = make_token(client, ann, "pull", projects=["team"])
    theirs = f"{API}/users/{id_of(client, 'ann')}/tokens"
    (kept,) = client.get(theirs, auth=ADMIN).json()
    assert [each["name"] for each in kept["projects"]] == ["team"]
    assert client.get(theirs, auth=ann).status_code == 403
    assert client.delete(f"{theirs}/{kept['id']}", auth=ADMIN).status_code == 200
    assert tags(client, token) == 401
    assert client.get(f"{API}/users/9999/tokens", auth=ADMIN).status_code == 404


def test_an_account_has_a_limited_number(
    client: TestClient, ann: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal, "MAX_EACH", 2)
    statuses = [new_token(client, ann).status_code for _ in range(3)]
    assert statuses == [201, 201, 400]


def test_a_foreign_secret_never_guesses_a_password(
    client: TestClient, ann: Login, database_url: str
) -> None:
    """A token that is gone is refused without a wait, and locks nobody out."""
    _, secret = make_token(client, ann, "pull")
    change(database_url, update(AccessToken).values(secret="0" * 64))
    locks = client.app.known.accounts.lockout  # type: ignore[attr-defined]
    locks.here.delay_s = 60.0
    assert tags(client, ("ann", secret)) == 401
    assert tags(client, ann) == 200


def test_tokens_of_others_are_not_known_to_the_token_service(
    client: TestClient, ann: Login
) -> None:
    token = make_token(client, ann, "read")
    assert token_for(client, token, PUSH)
    assert tags(client, None, headers=bearer(client, token, PUSH)) == 401
