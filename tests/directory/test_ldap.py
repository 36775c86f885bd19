"""Sign-in, search, import and groups by a real LDAP server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.directory.service import desk, web
from tests.auth.browsers import browser, sign_in, who
from tests.directory.slapd import BASE, PASSWORD, Slapd, running_slapd
from tests.make import ADMIN, API, bearer, make_project, make_user
from tests.projects.pages import HTMX, told, words
from tests.users.people import account, id_of

ANN, LEO = ("ann", "ann-Passw0rd"), ("leo", "leo-Passw0rd")
BUILDERS = f"cn=builders,ou=groups,{BASE}"


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with running_slapd(tmp_path_factory.mktemp("slapd")) as server:
        yield server


def configure(client: TestClient, **values: Any) -> None:
    done = client.put(f"{API}/configurations", json=values, auth=ADMIN)
    assert done.status_code == 200, done.text


@pytest.fixture
def ldap(client: TestClient, slapd: Slapd) -> TestClient:
    configure(client, **slapd.settings)
    return client


def status(client: TestClient, login: Any) -> int:
    return client.get(f"{API}/users/current", auth=login).status_code


def ping(client: TestClient, **tried: Any) -> Any:
    answer = client.post(f"{API}/ldap/ping", json=tried, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_somebody_of_ldap_signs_in_and_has_an_account_then(ldap: TestClient) -> None:
    assert status(ldap, ("ann", "wrong")) == 401
    ann = ldap.get(f"{API}/users/current", auth=ANN).json()
    assert ann["username"] == "ann"
    assert ann["realname"] == "Ann Lee"
    assert ann["email"] == "ann@example.com"
    assert ann["comment"] == "from LDAP."
    assert (ann["sysadmin_flag"], ann["admin_role_in_auth"]) == (False, False)
    assert bearer(ldap, ANN)
    assert sign_in(browser(ldap), ANN).status_code == 200
    assert status(ldap, ("ANN", ANN[1])) == 200  # directories know no case
    assert status(ldap, ("ann@example.com", ANN[1])) == 200
    found = ldap.get(f"{API}/users?page_size=100", auth=ADMIN).json()
    assert [each["username"] for each in found] == ["ann"]


def test_the_first_administrator_and_local_accounts_sign_in_as_before(
    client: TestClient, slapd: Slapd
) -> None:
    bob = make_user(client, "bob")
    configure(client, **slapd.settings)
    assert status(client, ADMIN) == 200
    assert status(client, bob) == 200
    # LDAP knows a bob, too, who does not get the account of this one.
    assert status(client, ("bob", "bob-Passw0rd")) == 401


@pytest.mark.parametrize(
    "login",
    [
        ("ann", ""),
        ("*", ANN[1]),
        ("ann)(uid=*", ANN[1]),
        ("*)(uid=ann", ANN[1]),
        ("ann)(|(uid=*", ANN[1]),
        ("a\\6en", ANN[1]),
        ("ann\n", ANN[1]),
        (f"uid=ann,ou=people,{BASE}", ANN[1]),
    ],
)
def test_a_name_is_no_filter(ldap: TestClient, login: tuple[str, str]) -> None:
    assert status(ldap, login) == 401


def test_a_name_with_signs_of_filters_is_a_name(ldap: TestClient) -> None:
    found = ldap.get(f"{API}/ldap/users/search", params={"username": "star*(x)"}, auth=ADMIN)
    assert [each["username"] for each in found.json()] == ["star*(x)"]
    assert status(ldap, ("star*(x)", "star*(x)-Passw0rd")) == 200


def test_groups_give_roles_as_the_last_sign_in_told(
    ldap: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "REMEMBERED_S", -1.0)
    make_project(ldap, "team")
    group = {"ldap_group_dn": BUILDERS.upper(), "group_type": 1}
    body = {"role_id": 2, "member_group": group}
    made = ldap.post(f"{API}/projects/team/members", json=body, auth=ADMIN)
    assert made.status_code == 201, made.text
    assert ldap.get(f"{API}/projects/team", auth=ANN).status_code == 200
    assert ldap.get(f"{API}/projects/team", auth=LEO).status_code == 200  # an administrator
    groups = ldap.get(f"{API}/usergroups", auth=ADMIN).json()
    assert {each["group_name"] for each in groups} == {"builders", "a, b", "leaders"}
    # What no longer fits the filter for groups is none, from the next sign-in on.
    configure(ldap, ldap_group_search_filter="(cn=other)")
    assert ldap.get(f"{API}/projects/team", auth=ANN).status_code == 403


def test_the_group_of_administrators_makes_administrators_as_long_as_one_is_in_it(
    ldap: TestClient,
) -> None:
    leo = ldap.get(f"{API}/users/current", auth=LEO).json()
    assert (leo["sysadmin_flag"], leo["admin_role_in_auth"]) == (False, True)
    there = sign_in(window := browser(ldap), LEO)
    assert there.status_code == 200
    assert window.get(f"{API}/usergroups").status_code == 200
    configure(ldap, ldap_group_admin_dn="")
    assert ldap.get(f"{API}/usergroups", auth=LEO).status_code == 403
    assert window.get(f"{API}/usergroups").status_code == 403
    assert who(window) == "leo"


def test_people_are_searched_and_imported(ldap: TestClient) -> None:
    found = ldap.get(f"{API}/ldap/users/search", auth=ADMIN).json()
    assert {each["username"] for each in found} == {"ann", "bob", "leo", "star*(x)"}
    body = {"ldap_uid_list": ["ann", "nobody", "*"]}
    answer = ldap.post(f"{API}/ldap/users/import", json=body, auth=ADMIN)
    assert answer.status_code == 404
    assert answer.json() == [
        {"uid": "nobody", "error": "unknown user"},
        {"uid": "*", "error": "unknown user"},
    ]
    assert account(ldap, id_of(ldap, "ann"))["comment"] == "from LDAP."
    again = ldap.post(f"{API}/ldap/users/import", json={"ldap_uid_list": ["ann"]}, auth=ADMIN)
    assert again.status_code == 200
    dialog = words(ldap.get("/harbor/users/import?username=TAR*", auth=ADMIN))
    assert "star*(x) A Star" in dialog
    form = {"uid": ["leo", "star*(x)"]}
    done = ldap.post("/harbor/users/import", data=form, auth=ADMIN, headers=HTMX)
    assert told(done)["said"] == "2 users were imported."
    assert id_of(ldap, "leo")
    make_project(ldap, "team")
    member = {"role_id": 3, "member_user": {"username": "bob"}}
    made = ldap.post(f"{API}/projects/team/members", json=member, auth=ADMIN)
    assert made.status_code == 201
    member["member_user"] = {"username": "nobody"}
    made = ldap.post(f"{API}/projects/team/members", json=member, auth=ADMIN)
    assert made.status_code == 400


def test_groups_are_searched_and_imported(ldap: TestClient) -> None:
    def found(**asked: str) -> Any:
        return ldap.get(f"{API}/ldap/groups/search", params=asked, auth=ADMIN)

    (group,) = found(groupname="uild").json()
    assert (group["group_name"], group["ldap_group_dn"]) == ("builders", BUILDERS)
    assert found(groupdn=BUILDERS).json() == [group]
    assert found(groupname="*").status_code == 404
    assert found(groupdn=f"cn=no,{BASE}").status_code == 404
    assert found(groupdn="no dn").status_code == 400
    assert found().status_code == 400
    page = words(ldap.get("/harbor/groups/import?groupname=a, b", auth=ADMIN))
    assert "a, b" in page
    form = {"ldap_group_dn": BUILDERS}
    done = ldap.post("/harbor/groups/import", data=form, auth=ADMIN, headers=HTMX)
    assert done.status_code == 204, done.text
    body = {"group_name": "again", "group_type": 1, "ldap_group_dn": BUILDERS.upper()}
    assert ldap.post(f"{API}/usergroups", json=body, auth=ADMIN).status_code == 409
    body["ldap_group_dn"] = f"cn=no,ou=groups,{BASE}"
    assert ldap.post(f"{API}/usergroups", json=body, auth=ADMIN).status_code == 404


def test_settings_are_tried_before_they_are_kept(client: TestClient, slapd: Slapd) -> None:
    tried = {key: value for key, value in slapd.settings.items() if key in TRIED}
    assert ping(client, **tried) == {"success": True, "message": ""}
    assert ping(client, **(tried | {"ldap_search_password": "no"}))["message"] == (
        "invalid credential"
    )
    assert ping(client, **(tried | {"ldap_search_dn": ""}))["message"] == "error: empty search dn"
    nowhere = ping(client, **(tried | {"ldap_url": "ldap://127.0.0.1:1"}))
    assert nowhere["success"] is False
    assert "fail to ping LDAP server" in nowhere["message"]
    configure(client, **slapd.settings)
    assert ping(client)["success"] is True
    page = client.post("/harbor/configs/auth/ldap", data=tried, auth=ADMIN, headers=HTMX)
    assert "The server answered" in words(page)


TRIED = ("ldap_url", "ldap_search_dn", "ldap_search_password", "ldap_base_dn")


def test_certificates_are_verified(
    client: TestClient, slapd: Slapd, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = {key: value for key, value in slapd.settings.items() if key in TRIED}
    tried["ldap_url"] = slapd.tls_url
    assert ping(client, **tried)["success"] is False
    assert ping(client, **tried, ldap_verify_cert=False)["success"] is True
    monkeypatch.setenv("SSL_CERT_FILE", str(slapd.certificate))
    web.trust.cache_clear()
    assert ping(client, **tried) == {"success": True, "message": ""}
    tried["ldap_url"] = slapd.tls_url.replace("127.0.0.1", "127.0.0.2")  # not in the certificate
    assert "127.0.0.2" in ping(client, **tried)["message"]
    web.trust.cache_clear()


def test_another_mode_loses_nobody(ldap: TestClient) -> None:
    assert status(ldap, ANN) == 200
    configure(ldap, auth_mode="db_auth")
    shown = ldap.get(f"{API}/configurations", auth=ADMIN).json()
    assert shown["auth_mode"] == {"value": "db_auth", "editable": True}
    assert shown["auth_sources"]["value"] == "ldap_auth"
    assert "ldap_search_password" not in shown
    assert status(ldap, ANN) == 200
    assert status(ldap, make_user(ldap, "carl")) == 200
    # Nobody gives an account of LDAP a password here.
    path = f"{API}/users/{id_of(ldap, 'ann')}/password"
    ldap.put(path, json={"new_password": "Another-Passw0rd"}, auth=ADMIN)
    assert status(ldap, ("ann", "Another-Passw0rd")) == 401
    configure(ldap, auth_sources="")
    assert status(ldap, ANN) == 401


@contextmanager
def false_server(answer: bytes) -> Iterator[str]:
    """A server that says *answer* to whatever comes, and then nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                connection.recv(4096)
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"ldap://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x30\x05\x02\x01\x01\x61\x00"],
)
def test_a_server_that_hangs_or_talks_nonsense_keeps_nobody_else_out(
    client: TestClient, answer: bytes
) -> None:
    bob = make_user(client, "bob")
    with false_server(answer) as url:
        configure(
            client,
            auth_mode="ldap_auth",
            ldap_url=url,
            ldap_search_dn="cn=a",
            ldap_search_password=PASSWORD,
            ldap_base_dn=BASE,
            ldap_timeout=1,
        )
        said = client.get(f"{API}/users/current", auth=ANN)
        assert said.status_code == 503
        assert said.json()["errors"][0]["code"] == "SERVICE_UNAVAILABLE"
        assert status(client, bob) == 200
        assert status(client, ADMIN) == 200
        assert ping(client)["success"] is False
        page = client.post(
            "/account/sign-in", data={"principal": "ann", "password": ANN[1]}, headers=HTMX
        )
        assert page.status_code == 503
        assert "does not answer" in words(page)


def test_nobody_of_ldap_is_called_as_robots_are(ldap: TestClient) -> None:
    assert status(ldap, LEO) == 200
    configure(ldap, robot_name_prefix="an")
    assert status(ldap, ANN) == 401
    body = {"ldap_uid_list": ["ann"]}
    refused = ldap.post(f"{API}/ldap/users/import", json=body, auth=ADMIN)
    assert refused.status_code == 404
    assert "begins as names of robots do" in refused.text
    configure(ldap, robot_name_prefix="robot$")
    assert status(ldap, ANN) == 200
    configure(ldap, robot_name_prefix="bot.")
    assert status(ldap, ANN) == 200  # who has an account keeps it
