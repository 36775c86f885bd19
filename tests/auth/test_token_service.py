"""``GET /service/token``, sentence by sentence."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import update
from starlette.testclient import TestClient

from harbor.core.settings import Settings
from harbor.projects.models import Project
from tests.auth import keys
from tests.auth.browsers import configure
from tests.make import ADMIN, Login, add_member, error_of, make_project, make_user, message_of
from tests.registry.servers import Change, project_of

SERVICE = "harbor-registry"
ROLES = {1: "projectAdmin", 2: "developer", 3: "guest", 4: "maintainer", 5: "limitedGuest"}


def ask_for(
    client: TestClient, login: Login | None, *scopes: str, **more: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token."""
    params = {"service": SERVICE, "scope": scopes, **more}
    answer = client.get("/service/token", params=params, auth=login)
    assert answer.status_code == 200, answer.text
    return keys.read(answer.json()["token"])


def access(
    client: TestClient, login: Login | None, *scopes: str
) -> list[tuple[str, str, list[str]]]:
    """What a token allows: type, name and sorted actions of each entry."""
    _, claims = ask_for(client, login, *scopes)
    return [(each["type"], each["name"], sorted(each["actions"])) for each in claims["access"]]


@pytest.mark.parametrize(
    ("service", "shown"),
    [("nginx", "nginx"), ("", ""), ("a\nb", r"a\nb"), ("HARBOR-REGISTRY",) * 2],
)
def test_another_service_is_not_ours(shared: TestClient, service: str, shown: str) -> None:
    answer = shared.get("/service/token", params={"service": service}, auth=ADMIN)
    assert answer.status_code == 400
    assert message_of(answer) == f"Unable to handle service: {shown}"


def test_a_service_must_be_named(shared: TestClient) -> None:
    assert shared.get("/service/token", auth=ADMIN).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_get_issues_tokens(shared: TestClient, method: str) -> None:
    """Containerd posts first, and falls back to GET when it is told 405."""
    asked = {"service": SERVICE, "grant_type": "password", "username": "admin"}
    refused = shared.request(method, "/service/token", data=asked)
    assert error_of(refused) == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in refused.headers["Allow"]


@pytest.mark.parametrize("login", [None, ("admin", "wrong"), ("nobody", "wrong"), ("", "")])
def test_strangers_get_no_token_without_a_scope(shared: TestClient, login: Login | None) -> None:
    answer = shared.get("/service/token", params={"service": SERVICE}, auth=login)
    assert answer.status_code == 401
    assert answer.content == b""
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize("login", [None, ("admin", "wrong"), ("nobody", "wrong")])
def test_strangers_get_a_token_for_what_anybody_may(
    shared: TestClient, repo: str, login: Login | None
) -> None:
    scopes = ("repository:library/app:pull,push", f"repository:{repo}:pull")
    _, claims = ask_for(shared, login, *scopes)
    assert claims["sub"] == ""
    assert access(shared, login, *scopes) == [
        ("repository", "library/app", ["pull"]),
        ("repository", repo, []),
    ]


def test_a_token_is_a_jwt_that_others_can_verify(
    shared: TestClient, shared_settings: Settings
) -> None:
    params = {"service": SERVICE, "scope": "repository:library/app:pull"}
    token = shared.get("/service/token", params=params, auth=ADMIN).json()["token"]
    key = keys.signing_key(shared_settings.database)
    keys.verify(token, key)
    decoded = jwt.decode(token, RSAKey.import_key(keys.public_der(key)), algorithms=["RS256"])
    assert decoded.header == {"alg": "RS256", "typ": "JWT", "kid": keys.libtrust_id(key)}
    assert re.fullmatch(r"([A-Z2-7]{4}:){11}[A-Z2-7]{4}", decoded.header["kid"])


def test_a_token_claims_what_harbors_does(shared: TestClient) -> None:
    before = int(datetime.now(UTC).timestamp())
    _, claims = ask_for(shared, ADMIN, "repository:library/app:pull")
    after = int(datetime.now(UTC).timestamp())
    assert claims["iss"] == "harbor-token-issuer"
    assert claims["sub"] == "admin"
    assert claims["aud"] == SERVICE
    assert before <= claims["iat"] <= after
    assert claims["nbf"] == claims["iat"]
    assert claims["exp"] == claims["iat"] + 1800
    (entry,) = claims["access"]
    assert sorted(entry.pop("actions")) == ["delete", "pull", "push"]
    assert entry == {"type": "repository", "class": "", "name": "library/app", "project_id": 1}
    assert claims.keys() == {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "access", "user_id"}


def test_each_token_has_an_id_of_sixteen_characters(shared: TestClient) -> None:
    ids = {ask_for(shared, ADMIN)[1]["jti"] for _ in range(5)}
    assert len(ids) == 5
    assert {len(each) for each in ids} == {16}


def test_the_answer_says_when_the_token_ends(shared: TestClient) -> None:
    answer = shared.get("/service/token", params={"service": SERVICE}, auth=ADMIN)
    told = answer.json()
    assert told.keys() == {"token", "access_token", "expires_in", "issued_at"}
    assert told["access_token"] == told["token"]
    assert told["expires_in"] == 1800
    issued = datetime.fromisoformat(told["issued_at"])
    assert int(issued.timestamp()) == keys.read(told["token"])[1]["iat"]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("minutes", "seconds"), [(5, 300), (9_999_999_999, 30 * 24 * 3600)], ids=["short", "for ever"]
)
def test_how_long_a_token_lives_can_be_set(client: TestClient, minutes: int, seconds: int) -> None:
    configure(client, token_expiration=minutes)
    told = client.get("/service/token", params={"service": SERVICE}, auth=ADMIN).json()
    claims = keys.read(told["token"])[1]
    assert told["expires_in"] == seconds
    assert claims["exp"] - claims["iat"] == seconds
    allowed = client.get("/v2/", headers={"Authorization": f"Bearer {told['token']}"})
    assert allowed.status_code == 200


def test_no_refresh_token_is_issued_and_docker_may_ask_as_it_likes(shared: TestClient) -> None:
    docker = {"account": "somebody", "client_id": "docker", "offline_token": "true"}
    params = {"service": SERVICE} | docker
    told = shared.get("/service/token", params=params, auth=ADMIN).json()
    assert "refresh_token" not in told
    assert keys.read(told["token"])[1]["sub"] == "admin"


def test_the_token_names_the_account_although_the_login_is_its_address(shared: TestClient) -> None:
    _, password = make_user(shared, "by-mail")
    _, claims = ask_for(shared, ("by-mail@example.com", password))
    assert claims["sub"] == "by-mail"


@pytest.mark.parametrize(
    "scopes",
    [
        ("repository:library/a:pull", "repository:library/b:pull"),
        ("repository:library/a:pull repository:library/b:pull",),
        ("", "repository:library/a:pull ", " repository:library/b:pull"),
    ],
)
def test_scopes_are_repeated_or_parted_by_spaces(shared: TestClient, scopes: Sequence[str]) -> None:
    names = [name for _, name, _ in access(shared, ADMIN, *scopes)]
    assert names == ["library/a", "library/b"]


@pytest.mark.parametrize(
    "asked", ["pull", "push", "delete", "*", "nonsense", "pull,push,delete", ""]
)
def test_all_rights_are_granted_whatever_was_asked_for(shared: TestClient, asked: str) -> None:
    found = access(shared, ADMIN, f"repository:library/app:{asked}")
    assert found == [("repository", "library/app", ["delete", "pull", "push"])]


@pytest.mark.parametrize(
    ("role_id", "actions"),
    [
        (1, ["delete", "pull", "push"]),
        (4, ["delete", "pull", "push"]),
        (2, ["pull", "push"]),
        (3, ["pull"]),
        (5, ["pull"]),
    ],
    ids=lambda value: ROLES.get(value) if isinstance(value, int) else "",
)
def test_a_role_decides_what_is_granted(
    shared: TestClient, repo: str, role_id: int, actions: list[str]
) -> None:
    ann = make_user(shared, f"ann-{project_of(repo)}")
    add_member(shared, project_of(repo), ann, role_id)
    asked = f"repository:{repo}:pull,push,delete,scanner-pull"
    assert access(shared, ann, asked) == [("repository", repo, actions)]


def test_nobody_is_granted_what_only_scanners_are(shared: TestClient) -> None:
    (entry,) = access(shared, ADMIN, "repository:library/app:scanner-pull")
    assert "scanner-pull" not in entry[2]


def test_a_missing_project_grants_nothing_and_is_no_error(shared: TestClient) -> None:
    found = access(shared, ADMIN, "repository:no-such-project/app:pull")
    assert found == [("repository", "no-such-project/app", [])]


def test_a_deleted_project_grants_nothing(
    shared: TestClient, repo: str, shared_change: Change
) -> None:
    shared_change(update(Project).where(Project.name == project_of(repo)).values(deleted=True))
    assert access(shared, ADMIN, f"repository:{repo}:pull") == [("repository", repo, [])]


def test_private_and_missing_projects_look_the_same_to_strangers(
    shared: TestClient, repo: str
) -> None:
    for login in (None, make_user(shared, f"bob-{project_of(repo)}")):
        found = access(shared, login, f"repository:{repo}:pull", "repository:missing/app:pull")
        assert [actions for _, _, actions in found] == [[], []]


def test_a_name_may_hold_colons(shared: TestClient) -> None:
    make_project(shared, "host")
    found = access(shared, ADMIN, "repository:host:5000/app:pull,push")
    assert found == [("repository", "host:5000/app", [])]


def test_a_repository_without_a_project_grants_nothing(shared: TestClient) -> None:
    assert access(shared, ADMIN, "repository:library:pull") == [("repository", "library", [])]


@pytest.mark.parametrize(
    ("scope", "entry"),
    [
        ("repository", ("repository", "", [])),
        ("registry", ("registry", "", [])),
        ("registry:catalog", ("registry", "catalog", [])),
        ("registry:else:*", ("registry", "else", [])),
        ("repository(plugin):library/app:pull", ("repository(plugin)", "library/app", [])),
        ("project:library:read", ("project", "library", [])),
        (":::", ("", ":", [])),
    ],
)
def test_whatever_else_is_asked_for_is_kept_and_grants_nothing(
    shared: TestClient, scope: str, entry: tuple[str, str, list[str]]
) -> None:
    assert access(shared, ADMIN, scope) == [entry]


def test_only_administrators_keep_what_they_ask_of_the_catalog(shared: TestClient) -> None:
    scope = "registry:catalog:*,read"
    ann = make_user(shared, "catalog-ann")
    assert access(shared, ADMIN, scope) == [("registry", "catalog", ["*", "read"])]
    assert access(shared, ann, scope) == [("registry", "catalog", [])]
    assert access(shared, None, scope) == [("registry", "catalog", [])]


def test_more_scopes_than_anybody_needs_are_not_answered(shared: TestClient) -> None:
    scopes = " ".join(f"registry:r{number}:*" for number in range(150))
    assert len(access(shared, ADMIN, scopes)) == 100


def test_odd_scopes_are_no_errors(shared: TestClient) -> None:
    scopes = [
        "repository:é/☃:pull",
        "repository:" + 5000 * "a" + "/b:pull",
    ]
    assert [actions for _, _, actions in access(shared, ADMIN, *scopes)] == [[], []]


def test_a_null_character_in_a_scope_is_refused(shared: TestClient) -> None:
    scopes = ["repository:a\0b/c:pull", "repository:library/app:pull"]
    params: dict[str, Any] = {"service": SERVICE, "scope": scopes}
    assert shared.get("/service/token", params=params, auth=ADMIN).status_code == 422


def test_a_token_buys_no_other_token(shared: TestClient) -> None:
    token = shared.get("/service/token", params={"service": SERVICE}, auth=ADMIN).json()["token"]
    answer = shared.get(
        "/service/token",
        params={"service": SERVICE},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 401
