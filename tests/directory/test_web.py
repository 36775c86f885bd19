"""An HTTP auth proxy and a UAA server, played by a small server, as sources of people."""

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from starlette.testclient import TestClient

from tests.auth.browsers import ORIGIN, signed_in
from tests.auth.test_access_tokens import make_token
from tests.make import ADMIN, API, make_project
from tests.users.people import account, id_of

PEOPLE = {"ann": "right", "leo": "right", "max": "right"}


class Identity(BaseHTTPRequestHandler):
    """Knows three people; *broken* says what to answer instead."""

    broken: bytes | None = None

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/login":
            kind, _, code = self.headers["Authorization"].partition(" ")
            assert kind == "Basic"
            name, _, password = b64decode(code).decode().partition(":")
            right = PEOPLE.get(name) == password
            self.answer(200 if right else 401, {"session_id": f"token-of-{name}"})
        elif self.path == "/review":
            token = json.loads(raw)["spec"]["token"]
            name = token.removeprefix("token-of-")
            groups = ["admins"] if name == "leo" else ["builders"]
            status = {"authenticated": name in PEOPLE, "user": {"username": name, "groups": groups}}
            self.answer(201, {"kind": "TokenReview", "status": status})
        else:
            asked = {key: values[0] for key, values in parse_qs(raw.decode()).items()}
            right = PEOPLE.get(asked["username"]) == asked["password"]
            self.answer(200 if right else 401, {"access_token": asked["username"]})

    def do_GET(self) -> None:
        name = self.headers["Authorization"].removeprefix("Bearer ")
        about = {"user_name": name, "name": f"{name} of UAA", "email": f"{name}@example.com"}
        self.answer(200, about)

    def answer(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode() if self.broken is None else self.broken
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def identity() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Identity)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def configure(client: TestClient, **told: Any) -> None:
    done = client.put(f"{API}/configurations", json=told, auth=ADMIN)
    assert done.status_code == 200, done.text


@pytest.fixture
def proxy(client: TestClient, identity: str) -> TestClient:
    configure(
        client,
        auth_mode="http_auth",
        http_authproxy_endpoint=f"{identity}/login",
        http_authproxy_tokenreview_endpoint=f"{identity}/review",
        http_authproxy_admin_groups="admins, others",
        http_authproxy_admin_usernames="max",
    )
    return client


def current(client: TestClient, name: str, password: str = "right") -> Any:
    return client.get(f"{API}/users/current", auth=(name, password))


def test_people_of_an_auth_proxy_sign_in(proxy: TestClient) -> None:
    assert current(proxy, "ann", "wrong").status_code == 401
    assert current(proxy, "ann").json()["admin_role_in_auth"] is False
    assert current(proxy, "leo").json()["admin_role_in_auth"] is True
    assert current(proxy, "max").json()["admin_role_in_auth"] is True
    assert current(proxy, "tokenreview$ann", "token-of-ann").json()["username"] == "ann"
    assert current(proxy, "tokenreview$ann", "token-of-leo").status_code == 401
    assert current(proxy, "ann", "token-of-ann").status_code == 401
    groups = proxy.get(f"{API}/usergroups", auth=ADMIN).json()
    assert [(each["group_name"], each["group_type"]) for each in groups] == [
        ("admins", 2),
        ("builders", 2),
    ]


def test_they_have_tokens_and_no_second_factor_here(proxy: TestClient) -> None:
    ann = ("ann", "right")
    token = make_token(proxy, ann, "read")
    here = signed_in(proxy, ann)
    for auth_mode in ("http_auth", "db_auth"):
        configure(proxy, auth_mode=auth_mode, auth_sources="http_auth")
        begun = here.post("/account/second-factor/begin", data={"password": ann[1]}, headers=ORIGIN)
        assert begun.status_code == 400
        assert proxy.get("/v2/", auth=token).status_code == 200
    assert proxy.delete(f"{API}/users/{id_of(proxy, 'ann')}", auth=ADMIN).status_code == 200
    assert proxy.get("/v2/", auth=token).status_code == 401


def test_members_whom_the_proxy_has_not_named_yet_are_a_choice(proxy: TestClient) -> None:
    make_project(proxy, "team")
    where = f"{API}/projects/team/members"
    ann = {"role_id": 3, "member_user": {"username": "ann"}}
    group = {"role_id": 2, "member_group": {"group_name": "builders", "group_type": 2}}
    for body, skip_search, status in (
        (ann, False, 400),
        (group, False, 400),
        (ann, True, 201),
        (group, True, 201),
    ):
        configure(proxy, http_authproxy_skip_search=skip_search)
        assert proxy.post(where, json=body, auth=ADMIN).status_code == status
    project = proxy.get(f"{API}/projects/team", auth=("ann", "right")).json()
    assert project["current_user_role_ids"] == [2, 3]


def test_people_of_uaa_sign_in(client: TestClient, identity: str) -> None:
    configure(
        client,
        auth_mode="uaa_auth",
        uaa_endpoint=identity,
        uaa_client_id="harbor",
        uaa_client_secret="s",
    )
    assert current(client, "ann", "wrong").status_code == 401
    assert current(client, "ann").status_code == 200
    ann = account(client, id_of(client, "ann"))
    assert ann["realname"] == "ann of UAA"
    assert (ann["email"], ann["comment"]) == ("ann@example.com", "From UAA")


def test_several_sources_know_people_at_once(proxy: TestClient, identity: str) -> None:
    configure(proxy, auth_sources="uaa_auth", uaa_endpoint=identity, uaa_client_id="harbor")
    configure(proxy, http_authproxy_endpoint="http://127.0.0.1:1/login")
    # The proxy is gone: whom UAA knows signs in there, the rest is told.
    assert current(proxy, "ann").json()["comment"] == "From UAA"
    assert current(proxy, "nobody").status_code == 503
    assert proxy.get(f"{API}/users/current", auth=ADMIN).status_code == 200


@pytest.mark.parametrize("broken", [b"no JSON", b"[]", b'{"session_id": 1}', b"{" * 100_000])
def test_nonsense_is_told_as_such(
    proxy: TestClient, monkeypatch: pytest.MonkeyPatch, broken: bytes
) -> None:
    monkeypatch.setattr(Identity, "broken", broken)
    assert current(proxy, "ann").status_code == 503
    assert proxy.get(f"{API}/users/current", auth=ADMIN).status_code == 200
