"""People of OIDC among those of other sources: their accounts, rights and groups."""

import asyncio
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.auth import lockout
from harbor.configuration.schemas import Values
from harbor.users.models import OidcUser
from harbor.users.service import oidc
from tests.auth.browsers import Wait, browser, configure, meant, sign_in
from tests.auth.oidc import connect, secret_of, signed_in_there, to_provider
from tests.auth.provider import Provider, running
from tests.make import ADMIN, API, Login, bearer, error_of, make_project, make_user, push_image
from tests.registry.servers import Rows, in_server
from tests.users.people import account, id_of

WHOLE_DAY = 24 * 60
DEVELOPER = 2
PULL = "repository:team/app:pull"


def refreshes(client: TestClient) -> None:
    """Wait for what the use of an account has begun."""
    app: Any = client.app
    in_server(client, app.known.oidc.settle)


def test_a_mode_beside_others_keeps_its_people_apart(
    client: TestClient, identity: str, rows: Rows
) -> None:
    eve = make_user(client, "eve")
    with running() as provider:
        connect(client, provider)
        provider.person |= {"name": "max"}  # as somebody else is called at the other source
        visitor = signed_in_there(client, "max")
        configure(
            client,
            auth_mode="http_auth",
            http_authproxy_endpoint=f"{identity}/login",
            http_authproxy_tokenreview_endpoint=f"{identity}/review",
        )  # and those of OIDC go on
        assert client.get(f"{API}/systeminfo").json()["oidc_provider_name"] == "Example ID"
        assert "Sign in with Example ID" in client.get("/account/sign-in").text
        assert sign_in(browser(client), eve).status_code == 200
        assert sign_in(browser(client), ("leo", "right")).status_code == 200
        assert sign_in(browser(client), ("nobody", "right")).status_code == 401
        theirs = sign_in(browser(client), ("max", "right"))
        assert theirs.json()["redirect_location"].endswith("/c/oidc/login")
        assert client.get(f"{API}/users/current", auth=("max", "right")).status_code == 401
        assert client.get("/v2/", auth=("max", secret_of(rows))).status_code == 200
        assert "/account/cli-secret" in visitor.get("/account/profile").text
        signed_in_there(client, "max")
        provider.person |= {"sub": "8", "name": "leo"}
        taken = browser(client)
        assert taken.get(to_provider(taken)).status_code == 409
    assert rows("SELECT source FROM harbor_user WHERE user_id > 2 ORDER BY user_id") == [
        ("",),
        ("oidc_auth",),
        ("http_auth",),
    ]


def test_such_an_account_has_no_password_whatever_the_mode_is(
    client: TestClient, provider: Provider
) -> None:
    visitor = signed_in_there(client)
    configure(client, auth_mode="db_auth")
    place = f"{API}/users/{id_of(client, 'Ann_Lee')}"
    new = {"new_password": "Passw0rd-of-ann"}
    assert error_of(client.put(f"{place}/password", json=new, auth=ADMIN)) == (403, "FORBIDDEN")
    profile = {"email": "x@example.org", "realname": "x"}
    assert error_of(client.put(place, json=profile, auth=ADMIN)) == (403, "FORBIDDEN")
    assert "comes from another directory" in visitor.get("/account/profile").text
    assert visitor.get("/account/password").status_code == 403
    assert "/account/password" not in visitor.get("/harbor/projects").text
    assert "/password" not in client.get("/harbor/users", auth=ADMIN).text.split("Ann_Lee")[1]


def test_the_admin_group_counts_wherever_rights_do(
    client: TestClient, provider: Provider, wait: Wait
) -> None:
    provider.in_token["groups"] = ["dev", "root"]
    visitor = signed_in_there(client)
    ann = id_of(client, "Ann_Lee")
    made = visitor.post(
        f"{API}/users/current/tokens",
        json={"name": "a", "actions": ["read"]},
        headers=meant(visitor),
    )
    token = ("Ann_Lee", made.json()["secret"])

    def leads() -> bool:
        """By the token, and as others see it."""
        told = account(client, ann)
        assert told["sysadmin_flag"] is False
        may: bool = client.get(f"{API}/users", auth=token).status_code == 200
        assert bool(told["admin_role_in_auth"]) == may
        refreshes(client)
        return may

    assert leads()
    configure(client, oidc_admin_group="DEV")
    assert not leads()
    configure(client, oidc_admin_group="dev")
    assert leads()
    configure(client, auth_mode="db_auth", auth_sources="")
    assert not leads()
    configure(client, auth_mode="oidc_auth")
    assert leads()
    provider.in_token["groups"] = []
    wait(WHOLE_DAY)
    assert leads()  # as told last; this use asks again
    assert not leads()


def test_settings_from_outside_count_after_a_start(
    client: TestClient, provider: Provider, rows: Rows
) -> None:
    provider.in_token["groups"] = ["root"]
    signed_in_there(client)
    app: Any = client.app
    desk = app.known.oidc

    async def settled(values: Values) -> None:
        async def current() -> Values:
            return values

        desk._configuration.current, before = current, desk._configuration.current
        await desk.settle_rights()
        desk._configuration.current = before

    in_server(client, lambda: settled(Values()))
    assert rows("SELECT admin_role_in_auth FROM harbor_user WHERE source = 'oidc_auth'") == [(0,)]


def test_a_role_of_a_group_follows_the_provider(
    client: TestClient, provider: Provider, rows: Rows, wait: Wait
) -> None:
    configure(client, session_timeout=10 * WHOLE_DAY)
    make_project(client, "team")
    provider.in_token["groups"] = ["dev", "a\nb", " "]
    visitor = signed_in_there(client)
    ann: Login = ("Ann_Lee", secret_of(rows))
    (group,) = client.get(f"{API}/usergroups", auth=ADMIN).json()
    assert (group["group_name"], group["group_type"]) == ("dev", 3)

    def reads() -> list[int]:
        """Over REST, over ``/v2``, and with a token of it."""
        rest = visitor.get(f"{API}/projects/team").status_code
        tags = "/v2/team/app/tags/list"
        by_secret = client.get(tags, auth=ann).status_code
        by_token = client.get(tags, headers=bearer(client, ann, PULL)).status_code
        return [rest, by_secret, by_token]

    assert reads() == [403, 401, 401]
    member = {"role_id": DEVELOPER, "member_group": {"id": group["id"]}}
    made = client.post(f"{API}/projects/team/members", json=member, auth=ADMIN)
    assert made.status_code == 201
    push_image(client, "team/app", login=ann)
    assert reads() == [200, 200, 200]

    def told(*names: str) -> None:
        provider.in_token["groups"] = list(names)
        wait(WHOLE_DAY)
        reads()
        refreshes(client)

    told("others")
    assert reads() == [403, 401, 401]
    told("dev")
    assert reads() == [200, 200, 200]
    configure(client, oidc_group_filter="^other")
    reads()
    refreshes(client)
    assert reads() == [403, 401, 401]
    configure(client, oidc_group_filter="")
    reads()
    refreshes(client)
    assert reads() == [200, 200, 200]
    with running() as other:
        connect(client, other)
        assert reads() == [403, 401, 401]
    assert rows("SELECT count(*) FROM user_group_member") == [(0,)]


def test_guesses_of_a_secret_are_counted_and_made_up_for(
    client: TestClient, provider: Provider, rows: Rows
) -> None:
    signed_in_there(client)
    ann: Login = ("Ann_Lee", secret_of(rows))
    app: Any = client.app
    accounts = app.known.accounts

    def comes_in(login: Login) -> bool:
        return client.get("/v2/", auth=login).status_code == 200

    for _ in range(lockout.PAIR.free - 1):
        assert not comes_in((ann[0], "wrong"))
    assert comes_in(ann)
    accounts.lockout.here.delay_s = 60.0
    assert client.get(f"{API}/users/lockouts", auth=ADMIN).json() == []
    assert not comes_in(("ANN_LEE", "wrong"))
    assert not comes_in(ann)
    which = {"name": "Ann_Lee", "address": "testclient"}
    assert client.delete(f"{API}/users/lockouts", params=which, auth=ADMIN).status_code == 200
    compared = []

    async def is_secret(_user_id: int, secret: str) -> bool:
        compared.append(secret)
        await asyncio.sleep(0)
        return False

    async def guess(number: int) -> object:
        return await accounts.log_in(ann[0], str(number), address="10.0.0.9", is_secret=is_secret)

    async def many() -> list[object]:
        return await asyncio.gather(*map(guess, range(9)))

    assert not any(in_server(client, many))
    assert len(compared) == 1


@pytest.mark.parametrize(
    ("told", "admin_group", "leads"),
    [
        (["root"], "", True),
        (["a"], "root", True),
        (["a"], "", False),
        (["Root", "roots", 'a"root"b'], "", False),
    ],
)
def test_who_is_in_a_group(told: list[str], admin_group: str, leads: bool) -> None:
    row = OidcUser(group_names=told, admin_group=admin_group)
    assert oidc.is_in(row, "root") is leads
    assert not oidc.is_in(row, "")
