"""Signing in at an OpenID provider with a browser."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from harbor.auth.oidc import entry, providers
from harbor.core import outgoing
from tests.auth.browsers import ORIGIN, browser, configure, set_cookies, sign_in, signed_in, who
from tests.auth.oidc import connect, query_of, signed_in_there, to_provider
from tests.auth.provider import Provider
from tests.make import ADMIN, API, make_user, message_of
from tests.registry.servers import Rows, in_server


def test_who_comes_back_has_an_account_and_a_session(
    client: TestClient, provider: Provider, rows: Rows
) -> None:
    visitor = browser(client)
    begun = visitor.get("/c/oidc/login", params={"redirect_url": "/harbor/logs?page=2"})
    asked = query_of(begun.headers["Location"])
    assert asked["redirect_uri"] == "http://testserver/c/oidc/callback"
    assert asked["scope"] == "openid profile offline_access"
    assert asked["code_challenge_method"] == "S256"
    (told,) = [line for name, line in set_cookies(begun).items() if name.startswith(entry.BEGUN)]
    assert "HttpOnly" in told
    assert "SameSite=Lax" in told
    assert "Max-Age=600" in told
    back = visitor.get(to_provider(visitor, "/c/oidc/login?redirect_url=/harbor/logs%3Fpage%3D2"))
    assert (back.status_code, back.headers["Location"]) == (303, "/harbor/logs?page=2")
    me = visitor.get(f"{API}/users/current").json()
    assert (me["username"], me["email"], me["sysadmin_flag"]) == (
        "Ann_Lee",
        "ann@example.org",
        False,
    )
    assert me["comment"] == "Onboarded via OIDC provider"
    assert me["oidc_user_meta"]["subiss"] == "7" + provider.url
    assert len(me["oidc_user_meta"]["secret"]) >= 16
    kept = rows("SELECT secret, refresh_token, id_token FROM oidc_user")[0]
    assert not any(me["oidc_user_meta"]["secret"] in each for each in kept)
    assert rows("SELECT operation, username FROM audit_log_ext WHERE operation = 'login'") == [
        ("login", "Ann_Lee")
    ]


def test_somebody_is_the_same_whatever_they_are_called(
    client: TestClient, provider: Provider, rows: Rows
) -> None:
    signed_in_there(client)
    provider.person |= {"name": "Ann Married", "email": "other@example.org"}
    signed_in_there(client, "Ann_Lee")
    assert rows("SELECT count(*) FROM oidc_user") == [(1,)]


def test_nobody_becomes_an_account_that_is_there(client: TestClient, provider: Provider) -> None:
    signed_in_there(client)
    for name in ("admin", "Ann Lee", "ann@example.org"):
        provider.person = {"sub": "8", "name": name, "email": "x@example.org"}
        visitor = browser(client)
        assert visitor.get(to_provider(visitor)).status_code == 409, name
        assert who(visitor) == ""
    provider.person = {"sub": "8", "name": "Bob", "email": "ann@example.org"}
    bob = signed_in_there(client, "Bob")
    assert "email" not in bob.get(f"{API}/users/current").json()


def test_nobody_is_called_as_robots_are(client: TestClient, provider: Provider) -> None:
    configure(client, robot_name_prefix="Ann_")
    visitor = browser(client)
    assert visitor.get(to_provider(visitor)).status_code == 400
    connect(client, provider, oidc_auto_onboard=False)
    assert visitor.get(to_provider(visitor)).status_code == 303
    refused = visitor.post("/oidc-onboard", data={"username": "ann_lee"}, headers=ORIGIN)
    assert (refused.status_code, "Ann_" in refused.text) == (400, True)
    refused = visitor.post("/c/oidc/onboard", json={"username": "Ann_x"}, headers=ORIGIN)
    assert (refused.status_code, "Ann_" in message_of(refused)) == (400, True)
    assert visitor.post("/c/oidc/onboard", json={"username": "ann"}).status_code == 200


def test_a_name_can_be_chosen(client: TestClient, provider: Provider) -> None:
    connect(client, provider, oidc_auto_onboard=False)
    visitor = browser(client)
    back = visitor.get(to_provider(visitor, "/c/oidc/login?redirect_url=/harbor/logs"))
    assert urlsplit(back.headers["Location"]).path == "/oidc-onboard"
    assert who(visitor) == ""
    page = visitor.get(back.headers["Location"])
    assert (page.status_code, 'value="Ann_Lee"' in page.text) == (200, True)
    for name, status in (("admin", 409), ("a,b#", 400), ("", 400)):
        answer = visitor.post("/oidc-onboard", data={"username": name}, headers=ORIGIN)
        assert answer.status_code == status, answer.text
    stranger = browser(client)
    assert stranger.post("/c/oidc/onboard", json={"username": "x"}).status_code == 400
    foreign = {"Origin": "https://evil.example"}
    assert visitor.post("/oidc-onboard", data={"username": "x"}, headers=foreign).status_code == 403
    form = {"username": "annlee", "redirect_url": "//evil.example"}
    done = visitor.post("/oidc-onboard", data=form, headers=ORIGIN)
    assert (done.status_code, done.headers["Location"]) == (303, "/harbor/projects")
    assert who(visitor) == "annlee"
    again = visitor.post("/c/oidc/onboard", json={"username": "second"}, headers=ORIGIN)
    assert again.status_code in (400, 403)
    signed_in_there(client, "annlee")


def test_harbors_own_portal_chooses_a_name_too(client: TestClient, provider: Provider) -> None:
    connect(client, provider, oidc_auto_onboard=False)
    visitor = browser(client)
    visitor.get(to_provider(visitor))
    assert visitor.post("/c/oidc/onboard", json={"username": "ann"}).status_code == 200
    assert who(visitor) == "ann"


def test_the_admin_group_makes_administrators(client: TestClient, provider: Provider) -> None:
    provider.in_token["groups"] = ["dev", "root"]
    visitor = signed_in_there(client)
    me = visitor.get(f"{API}/users/current").json()
    assert (me["sysadmin_flag"], me["admin_role_in_auth"]) == (False, True)
    assert visitor.get(f"{API}/users").status_code == 200
    configure(client, oidc_admin_group="others")
    assert visitor.get(f"{API}/users").status_code == 403
    configure(client, oidc_admin_group="root")
    assert visitor.get(f"{API}/users").status_code == 200
    provider.in_token["groups"] = ["dev"]
    signed_in_there(client)
    assert visitor.get(f"{API}/users").status_code == 403


def test_a_way_back_is_good_once_and_in_one_browser(client: TestClient, provider: Provider) -> None:
    visitor, victim = browser(client), browser(client)
    way_back = to_provider(visitor)
    assert victim.get(way_back).status_code == 400  # planted: the attacker's code and state
    to_provider(victim)
    assert victim.get(way_back).status_code == 400
    assert who(victim) == ""
    (held,) = held_by(visitor).items()
    assert visitor.get(way_back).status_code == 303
    replayed = browser(client)
    assert replayed.get(way_back).status_code == 400
    replayed.cookies.set(*held, domain="testserver.local", path="/")
    assert replayed.get(way_back).status_code == 400  # the provider gives tokens for a code once
    assert who(replayed) == ""


def held_by(visitor: TestClient) -> dict[str, str]:
    """What a browser holds of sign-ins that it has begun."""
    return {name: value for name, value in visitor.cookies.items() if name.startswith(entry.BEGUN)}


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_tabs_that_begin_at_once_end_each_by_itself(
    client: TestClient, provider: Provider, first_ends_first: bool
) -> None:
    visitor = browser(client)
    # Both begin before either has an answer, so neither sends what the other one got.
    ways = {}
    for to in ("/harbor/logs", "/harbor/users"):
        tab = browser(client)
        ways[to] = to_provider(tab, f"/c/oidc/login?redirect_url={to}")
        visitor.cookies.update(tab.cookies)
    assert len(held_by(visitor)) == 2
    for to in sorted(ways, reverse=not first_ends_first):
        back = visitor.get(ways[to])
        assert (back.status_code, back.headers.get("Location")) == (303, to)
        assert who(visitor) == "Ann_Lee"
    assert not held_by(visitor)
    assert [visitor.get(way).status_code for way in ways.values()] == [400, 400]


def test_a_browser_holds_so_many_sign_ins_and_no_more(
    client: TestClient, provider: Provider
) -> None:
    visitor = browser(client)
    ways = [to_provider(visitor) for _ in range(entry.MAX_BEGUN + 1)]
    assert len(held_by(visitor)) == entry.MAX_BEGUN
    assert visitor.get(ways[0]).status_code == 400
    assert visitor.get(ways[1]).status_code == 303
    assert visitor.get(ways[-1]).status_code == 303


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another-client"},
        {"azp": "another-client"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": "8"},  # while the user info is about 7
    ],
    ids=str,
)
def test_what_proves_nothing_lets_nobody_in(
    client: TestClient, provider: Provider, lie: dict[str, Any]
) -> None:
    provider.in_token |= lie
    visitor = browser(client)
    assert visitor.get(to_provider(visitor)).status_code == 400
    assert who(visitor) == ""


def test_providers_are_not_mixed_up(client: TestClient, provider: Provider) -> None:
    visitor = browser(client)
    way_back = to_provider(visitor)
    assert visitor.get(f"{way_back}&iss=https://evil.example").status_code == 400
    way_back = to_provider(visitor)
    assert visitor.get(f"{way_back}&iss={provider.url}").status_code == 303
    other = browser(client)
    way_back = to_provider(other)
    connect(client, provider, oidc_client_id="another-client")
    assert other.get(way_back).status_code == 400


def test_nobody_is_sent_to_another_site(client: TestClient, provider: Provider) -> None:
    for place in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", ""):
        answer = client.get("/c/oidc/login", params={"redirect_url": place})
        assert answer.status_code == 400, place
    assert provider.asked == []


def test_the_provider_may_say_no(client: TestClient, provider: Provider) -> None:
    visitor = browser(client)
    state = query_of(to_provider(visitor))["state"]
    hostile = "<script>alert(1)</script>\r\nSet-Cookie: a=b"
    asked = {"state": state, "error": "access_denied", "error_description": hostile}
    answer = visitor.get("/c/oidc/callback", params=asked)
    assert answer.status_code == 400
    assert "access_denied" in answer.text
    assert "<script>alert" not in answer.text
    assert visitor.get("/c/oidc/callback", params=asked).status_code == 400


def test_a_provider_that_hangs_harms_nobody_else(
    client: TestClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "WHOLE_S", 0.3)
    provider.goes_on.clear()
    answer = client.get("/c/oidc/login")
    assert answer.status_code == 502
    assert "127.0.0.1 did not answer in time" in answer.text
    assert client.get("/account/sign-in").status_code == 200
    assert who(signed_in(client)) == "admin"

    async def ticks() -> int:
        """How often the loop comes round while somebody waits for the provider."""
        monkeypatch.setattr(providers, "FAILED_S", 0)
        place = providers.Place(provider.url)
        waiting = asyncio.create_task(providers.discovered(place))
        count = 0
        while not waiting.done():
            count += 1
            await asyncio.sleep(0)
        with pytest.raises(Exception, match="in time"):
            await waiting
        return count

    assert in_server(client, ticks) > 10


@pytest.mark.parametrize("path", ["/token", "/keys"])
def test_garbage_from_the_provider_is_a_clear_error(
    client: TestClient, provider: Provider, path: str
) -> None:
    asked: Any = client
    for status, body in ((200, b"<html>"), (503, b""), (200, b"[]"), (200, b"[" * 99_999)):
        provider.answers[path] = (status, {}, body)
        asked.app.known.oidc.providers = providers.Providers()  # which knows nothing yet
        visitor = browser(client)
        assert visitor.get(to_provider(visitor)).status_code == 502, body[:9]
        assert who(visitor) == ""


def test_user_info_is_not_needed(client: TestClient, provider: Provider) -> None:
    provider.answers["/userinfo"] = (500, {}, b"")
    signed_in_there(client)


def test_people_of_the_provider_do_not_sign_in_by_password(
    client: TestClient, provider: Provider
) -> None:
    signed_in_there(client)
    for name in ("Ann_Lee", "nobody"):
        answer = sign_in(browser(client), (name, "Passw0rd-of-ann"))
        assert answer.status_code == 403
        assert answer.json() == {"redirect_location": "http://testserver/c/oidc/login"}
    assert sign_in(browser(client)).status_code == 200
    assert sign_in(browser(client), ("admin", "wrong")).status_code == 401
    page = browser(client).post(
        "/account/sign-in", data={"principal": "Ann_Lee", "password": ""}, headers=ORIGIN
    )
    assert page.status_code == 401


def test_the_sign_in_page_leads_to_the_provider(client: TestClient, provider: Provider) -> None:
    page = client.get("/account/sign-in").text
    assert "Sign in with Example ID" in page
    assert 'href="/c/oidc/login?redirect_url=%2Fharbor%2Fprojects"' in page
    configure(client, primary_auth_mode=True)
    gone = client.get("/account/sign-in", params={"redirect_url": "/harbor/logs"})
    assert gone.headers["Location"] == "/c/oidc/login?redirect_url=%2Fharbor%2Flogs"
    assert client.get("/account/sign-in", params={"local": "true"}).status_code == 200


def test_signing_out_ends_the_session_there_too(client: TestClient, provider: Provider) -> None:
    visitor = signed_in_there(client)
    told = visitor.get("/c/log_out")
    assert (told.status_code, told.json()) == (
        403,
        {"redirect_location": "http://testserver/c/oidc/logout"},
    )
    gone = visitor.get("/c/oidc/logout")
    assert (gone.status_code, gone.headers["Location"]) == (303, "/account/sign-in")
    assert who(visitor) == ""
    configure(client, oidc_logout=True)
    visitor = signed_in_there(client)
    gone = visitor.post("/account/sign-out", headers=ORIGIN)
    wait, there = gone.headers["Refresh"].split(" url=")
    assert (wait, there.partition("?")[0]) == ("0;", f"{provider.url}/logout")
    assert query_of(there)["post_logout_redirect_uri"] == "http://testserver/account/sign-in"
    assert query_of(there)["id_token_hint"].count(".") == 2
    assert who(visitor) == ""
    assert len(provider.revoked) == 1
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert signed_in_there(client).get("/c/oidc/logout", headers=foreign).status_code == 403


def test_an_id_token_opens_the_api(client: TestClient, provider: Provider) -> None:
    signed_in_there(client)

    def ask(path: str = f"{API}/users/current", **claims: Any) -> int:
        headers = {"Authorization": f"Bearer {provider.token(**claims)}"}
        return client.get(path, headers=headers).status_code

    assert ask() == 200
    assert ask("/service/token?service=harbor-registry") == 200
    assert ask("/v2/") == 401
    assert ask(f"{API}/users") == 403
    assert ask(f"{API}/users", groups=["root"]) == 200
    for lie in ({"sub": "8"}, {"aud": "other"}, {"exp": 1}, {"azp": "other"}, {"typ": "Bearer"}):
        assert ask(**lie) == 401, lie
    assert ask(sub="8", iss="https://evil.example") == 401


def test_the_provider_can_be_tried(client: TestClient, provider: Provider) -> None:
    def ping(url: str) -> Any:
        body = {"url": url, "verify_cert": True}
        return client.post(f"{API}/system/oidc/ping", json=body, auth=ADMIN)

    assert ping(provider.url).status_code == 200
    for url in ("http://127.0.0.1:1", "", "file:///etc/passwd", provider.url + "/else"):
        answer = ping(url)
        assert answer.status_code == 400
        assert message_of(answer).startswith("failed to verify connection")


def test_the_provider_can_be_tried_on_the_page(client: TestClient, provider: Provider) -> None:
    admin = signed_in(client)

    def tried(url: str) -> str:
        form = {"oidc_endpoint": url, "oidc_name": "other fields of the form do not matter"}
        answer = admin.post("/harbor/configs/auth/oidc", data=form, headers=ORIGIN)
        assert answer.status_code == 200
        return str(answer.text)

    assert "The provider answers" in tried(provider.url)
    for url in ("", "http://127.0.0.1:1", provider.url + "/else", "<script>"):
        assert "The provider cannot be used" in tried(url)
        assert "<script>" not in tried(url)
    provider.answers["/keys"] = (200, {}, b'{"keys": []}')
    assert "no key that could be used" in tried(provider.url)


def test_without_a_provider_there_is_no_way_to_one(client: TestClient) -> None:
    for path in ("/c/oidc/login", "/c/oidc/callback", "/oidc-onboard"):
        assert client.get(path).status_code == 412
    assert client.get("/c/oidc/logout").headers["Location"] == "/account/sign-in"
    ann = make_user(client, "ann")
    token = {"Authorization": "Bearer a.b.c"}
    assert client.get(f"{API}/users/current", headers=token).status_code == 401
    assert sign_in(browser(client), ann).status_code == 200
