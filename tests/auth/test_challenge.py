"""What a request that is not let in is told: where to get a token, or to try other credentials."""

from base64 import b64encode
from collections.abc import Sequence

import pytest
from starlette.testclient import TestClient

from tests.conftest import Start
from tests.make import (
    ADMIN,
    Login,
    add_member,
    bearer,
    error_of,
    make_project,
    make_user,
    message_of,
    push_image,
    sha256,
    token_for,
)
from tests.registry.servers import ask, project_of

pytestmark = pytest.mark.once

DIGEST = sha256(b"something")
UPLOAD = "blobs/uploads/" + 32 * "0"
SERVICE = 'service="harbor-registry"'
TOKEN_SERVICE = f'Bearer realm="http://testserver/service/token",{SERVICE}'
BASIC = 'Basic realm="harbor"'
ROADS = [
    ("GET", "manifests/1.0", "pull"),
    ("HEAD", "manifests/1.0", "pull"),
    ("GET", f"manifests/{DIGEST}", "pull"),
    ("GET", f"blobs/{DIGEST}", "pull"),
    ("HEAD", f"blobs/{DIGEST}", "pull"),
    ("GET", "tags/list", "pull"),
    ("GET", f"referrers/{DIGEST}", "pull"),
    ("PUT", "manifests/1.0", "pull,push"),
    ("POST", "blobs/uploads/", "pull,push"),
    ("PATCH", UPLOAD, "pull,push"),
    ("PUT", f"{UPLOAD}?digest={DIGEST}", "pull,push"),
    ("DELETE", "manifests/1.0", "delete"),
    ("DELETE", f"manifests/{DIGEST}", "delete"),
    ("DELETE", f"blobs/{DIGEST}", "delete"),
]
HEADER = "WWW-Authenticate"


@pytest.fixture(scope="module")
def public_image(shared: TestClient) -> None:
    make_project(shared, "open", public=True)
    push_image(shared, "open/app")


def basic(raw: bytes) -> str:
    return "Basic " + b64encode(raw).decode()


def test_the_root_names_the_token_service(shared: TestClient) -> None:
    answer = shared.get("/v2/")
    assert error_of(answer) == (401, "UNAUTHORIZED")
    assert answer.headers[HEADER] == TOKEN_SERVICE
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(("method", "path", "actions"), ROADS)
def test_without_credentials_a_client_is_told_what_token_to_fetch(
    shared: TestClient, repo: str, method: str, path: str, actions: str
) -> None:
    answer = shared.request(method, f"/v2/{repo}/{path}")
    assert answer.status_code == 401
    assert answer.headers[HEADER] == f'{TOKEN_SERVICE},scope="repository:{repo}:{actions}"'
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize(("method", "path", "actions"), ROADS)
def test_wrong_credentials_are_told_to_try_others(
    shared: TestClient, repo: str, method: str, path: str, actions: str
) -> None:
    answer = shared.request(method, f"/v2/{repo}/{path}", auth=("admin", "wrong"))
    assert answer.status_code == 401
    assert answer.headers[HEADER] == BASIC
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_even_a_public_image_is_not_served_without_authorization(
    shared: TestClient, public_image: None, method: str
) -> None:
    answer = shared.request(method, "/v2/open/app/manifests/1.0")
    assert answer.status_code == 401
    assert answer.headers[HEADER] == f'{TOKEN_SERVICE},scope="repository:open/app:pull"'


@pytest.mark.parametrize(
    "header",
    [
        basic(b"admin:wrong"),
        basic(b"nobody:wrong"),
        basic(b"no colon"),
        basic(b"admin:Harbor12345\0"),
        basic(b"\xff\xfe:x"),
        basic(b":"),
        "Basic",
        "Basic !!!",
        "Basic é",
        "Bearer é",
        "Digest username=admin",
        "Bearer x.y.z",
        "",
        "nonsense",
    ],
)
def test_whoever_fails_to_sign_in_is_anybody(
    shared: TestClient, public_image: None, repo: str, header: str
) -> None:
    headers = {b"Authorization": header.encode("latin-1")}
    assert shared.get("/v2/open/app/manifests/1.0", headers=headers).status_code == 200
    for path in ("/v2/", f"/v2/{repo}/manifests/1.0"):
        refused = shared.get(path, headers=headers)
        assert refused.status_code == 401
        assert refused.headers[HEADER] == BASIC


def test_too_few_rights_are_answered_like_wrong_credentials(shared: TestClient, repo: str) -> None:
    guest = make_user(shared, "guest-of-" + project_of(repo))
    add_member(shared, project_of(repo), guest, 3)
    refused = shared.post(f"/v2/{repo}/blobs/uploads/", auth=guest)
    assert error_of(refused) == (401, "UNAUTHORIZED")
    assert refused.headers[HEADER] == BASIC
    assert message_of(refused).startswith(
        f"unauthorized to access repository: {repo}, action: push: "
    )


def test_a_token_that_grants_too_little_is_answered_like_wrong_credentials(
    shared: TestClient, repo: str
) -> None:
    elsewhere = bearer(shared, ADMIN, "repository:library/app:pull")
    refused = shared.get(f"/v2/{repo}/tags/list", headers=elsewhere)
    assert refused.status_code == 401
    assert refused.headers[HEADER] == BASIC


def test_a_mount_needs_a_token_with_two_scopes(shared: TestClient, repo: str) -> None:
    answer = shared.post(
        f"/v2/{repo}/blobs/uploads/", params={"mount": DIGEST, "from": "library/base"}
    )
    scopes = f"repository:{repo}:pull,push repository:library/base:pull"
    assert answer.status_code == 401
    assert answer.headers[HEADER] == f'{TOKEN_SERVICE},scope="{scopes}"'


@pytest.mark.parametrize(
    "source", ['x",evil="y', "UPPER/case", "a b/c", "x\r\ny", "é/a", 256 * "a"]
)
def test_what_cannot_be_a_repository_is_not_quoted_in_a_challenge(
    shared: TestClient, repo: str, source: str
) -> None:
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params={"mount": DIGEST, "from": source})
    assert answer.headers[HEADER] == f'{TOKEN_SERVICE},scope="repository:{repo}:pull,push"'


def test_the_catalog_wants_a_password(shared: TestClient) -> None:
    make_user(shared, "curious")
    token = {"Authorization": "Bearer " + token_for(shared, ADMIN, "registry:catalog:*")}
    for how in ({}, {"auth": ("admin", "wrong")}, {"auth": ("curious", "x")}, {"headers": token}):
        refused = shared.get("/v2/_catalog", **how)
        assert error_of(refused) == (401, "UNAUTHORIZED")
        assert refused.headers[HEADER] == BASIC


def test_the_catalog_is_for_administrators(shared: TestClient) -> None:
    ann: Login = make_user(shared, "catalog-ann")
    assert shared.get("/v2/_catalog", auth=ann).status_code == 401
    assert shared.get("/v2/_catalog", auth=ADMIN).status_code == 200


HERE = "http://127.0.0.1:8080"


def realm_told(client: TestClient, host: str | None) -> str:
    headers: Sequence[tuple[bytes, bytes]] = ()
    if host is not None:
        headers = [(b"host", host.encode("latin-1"))]
    told = ask(client, "GET", "/v2/", headers=headers).headers["www-authenticate"]
    return told.removeprefix('Bearer realm="').removesuffix('/service/token",' + SERVICE)


@pytest.mark.parametrize(
    ("host", "realm"),
    [
        ("reg.example.com:8443", "http://reg.example.com:8443"),
        ("[::1]:5000", "http://[::1]:5000"),
        (None, HERE),
        ('evil"x', HERE),
        ("evil.com/path", HERE),
        ("user@evil.com", HERE),
        ("a,b", HERE),
        ("a;b", HERE),
        ("a b", HERE),
        ("é", HERE),
        ("", HERE),
        (261 * "x", HERE),
    ],
)
def test_the_token_service_is_named_as_the_client_reached_us(
    shared: TestClient, host: str | None, realm: str
) -> None:
    assert realm_told(shared, host) == realm


def test_behind_a_proxy_the_scheme_is_that_of_the_external_url(start: Start) -> None:
    client = start(external_url="https://reg.example.com")
    assert realm_told(client, "reg.example.com") == "https://reg.example.com"
    assert realm_told(client, "other-name:5000") == "https://other-name:5000"
    for unfit in (None, 'evil"x', "evil.com/path", "a,b"):
        assert realm_told(client, unfit) == "https://reg.example.com"


def test_docker_login_works_from_end_to_end(shared: TestClient) -> None:
    ann = make_user(shared, "docker-ann")
    asked = {"account": "docker-ann", "client_id": "docker", "offline_token": "true"}
    asked["service"] = "harbor-registry"
    challenge = shared.get("/v2/")
    assert challenge.status_code == 401
    assert "scope=" not in challenge.headers[HEADER]
    granted = shared.get("/service/token", params=asked, auth=ann)
    assert granted.status_code == 200
    token = granted.json()["token"]
    accepted = shared.get("/v2/", headers={"Authorization": f"Bearer {token}"})
    assert accepted.status_code == 200
    assert accepted.json() == {}


def test_docker_login_with_a_wrong_password_fails_at_the_token_service(shared: TestClient) -> None:
    make_user(shared, "docker-bob")
    refused = shared.get(
        "/service/token", params={"service": "harbor-registry"}, auth=("docker-bob", "wrong")
    )
    assert refused.status_code == 401


def test_helm_logs_in_with_a_password_at_the_root(shared: TestClient) -> None:
    ann = make_user(shared, "helm-ann")
    assert shared.get("/v2/", auth=ann).status_code == 200
    assert shared.head("/v2/", auth=ann).status_code == 200
    assert shared.get("/v2/", auth=("helm-ann", "wrong")).status_code == 401
