"""Passkeys: what they open, and what is no answer of theirs."""

import json
from dataclasses import replace
from html import unescape
from re import search
from typing import Any

import pytest
from sqlalchemy import update
from starlette.requests import Request
from starlette.testclient import TestClient

from harbor.auth import passkeys
from harbor.auth.entry import BY_PASSKEY
from harbor.auth.lockout import NAME
from harbor.users.models import User
from tests.auth.authenticator import Authenticator
from tests.auth.browsers import browser, sign_in, signed_in, who
from tests.auth.test_second_factor import RECOVERY, SECRET, TICKET, code_of, post
from tests.auth.test_second_factor import Account as WithAuthenticator
from tests.make import PASSWORD, Login, make_user
from tests.projects.pages import HTMX, words, wrong_at
from tests.registry.servers import Rows, change
from tests.users.people import delete, id_of

ORIGIN, HOST = "http://localhost", "localhost"
HERE = "/account/second-factor"


def options_of(answer: Any, attribute: str = "data-passkey") -> dict[str, Any]:
    """What a page tells the browser."""
    found = search(rf'{attribute}="([^"]*)"', answer.text)
    assert found, answer.text
    told: dict[str, Any] = json.loads(unescape(found[1]))
    return told


def ticket_in(answer: Any) -> str:
    found = TICKET.search(answer.text)
    assert found, answer.text
    return found[1]


def local(client: TestClient) -> TestClient:
    return browser(client, base_url=ORIGIN)


def answered(here: TestClient, path: str, key: Authenticator) -> Any:
    """What comes of a dialog that asks for a passkey, and gets one."""
    asked = here.get(f"{HERE}/{path}", headers=HTMX)
    said = key.sign(options_of(asked))
    return post(here, f"second-factor/{path}", ticket=ticket_in(asked), passkey=said)


def added(here: TestClient, begun: Any, key: Authenticator, name: str) -> Any:
    assert begun.status_code == 200, begun.text
    made = key.make(options_of(begun, "data-new-passkey"))
    form = {"ticket": ticket_in(begun), "passkey": made, "name": name}
    return post(here, "second-factor/passkey/new", **form)


class Account:
    """Somebody with a passkey, and the browser that made it."""

    def __init__(self, client: TestClient, login: Login, **key: Any) -> None:
        self.login, self.here = login, local(client)
        assert sign_in(self.here, login).status_code == 200
        self.key = Authenticator(ORIGIN, HOST, **key)
        begun = post(self.here, "second-factor/passkey", password=login[1])
        self.recovery = RECOVERY.findall(words(added(self.here, begun, self.key, "Laptop")))
        assert len(self.recovery) == 10


@pytest.fixture
def ann(client: TestClient) -> Account:
    return Account(client, make_user(client, "ann"))


def asked(visitor: TestClient, login: Login) -> Any:
    """The page that asks for the second factor."""
    answer = post(visitor, "sign-in", principal=login[0], password=login[1])
    assert (answer.status_code, who(visitor)) == (200, "")
    return answer


def enter(visitor: TestClient, page: Any, said: str) -> int:
    form = {"ticket": ticket_in(page), "passkey": said}
    return int(post(visitor, "sign-in/code", **form).status_code)


def test_password_and_passkey_open_it_and_what_was_signed_counts_once(
    client: TestClient, ann: Account
) -> None:
    visitor, thief = local(client), local(client)
    page = asked(visitor, ann.login)
    told = options_of(page)
    assert (told["rpId"], told["userVerification"]) == (HOST, "preferred")
    said = ann.key.sign(told)
    assert enter(visitor, page, said) == 204
    assert who(visitor) == "ann"
    assert enter(thief, page, said) == 401
    for road in ("/v2/", "/service/token?service=harbor-registry", "/api/v2.0/users/current"):
        assert client.get(road, auth=ann.login).status_code == 401
    assert sign_in(local(client), ann.login).status_code == 401


def test_what_a_passkey_that_counts_nothing_signed_counts_once(client: TestClient) -> None:
    ann = Account(client, make_user(client, "ann"), counts=False)
    visitor = local(client)
    page, later = asked(visitor, ann.login), asked(visitor, ann.login)
    said = ann.key.sign(options_of(page))
    assert enter(visitor, page, said) == 204
    thief = local(client)
    assert enter(thief, page, said) == 401
    assert enter(thief, later, ann.key.sign(options_of(later))) == 204


def test_what_is_no_answer_opens_nothing(client: TestClient, ann: Account) -> None:
    bob = Account(client, make_user(client, "bob"))
    visitor = local(client)
    page = asked(visitor, ann.login)
    told = options_of(page)
    right = json.loads(ann.key.sign(told))
    broken = json.dumps(right | {"response": right["response"] | {"signature": "AAAA"}})
    for said in (
        replace(ann.key, origin="https://harb0r.example").sign(told),
        replace(ann.key, host="harb0r.example").sign(told),
        replace(ann.key, key=bob.key.key).sign(told),
        replace(ann.key, id=b"another").sign(told),
        replace(ann.key, count=0).sign(told),  # a copy: its count is behind
        bob.key.sign(told),
        ann.key.sign(options_of(asked(visitor, ann.login))),  # another challenge
        ann.key.make(told),
        broken,
        json.dumps({"id": right["id"]}),
        '{"id": "\\u0000"}',
        "[]",
    ):
        assert enter(visitor, page, said) == 401, said
    stranger = browser(client)  # at another address of the registry
    assert "Your passkeys belong to another address" in words(asked(stranger, ann.login))
    assert enter(visitor, page, ann.key.sign(told)) == 204


def test_a_passkey_alone_opens_it_once_if_the_device_sees_who_uses_it(
    client: TestClient, ann: Account, database_url: str
) -> None:
    visitor = local(client)

    def sent(page: Any, said: str) -> int:
        form = {"ticket": ticket_in(page), "passkey": said}
        return int(post(visitor, "sign-in/passkey", **form).status_code)

    page = visitor.get("/account/sign-in")
    told = options_of(page)
    assert (told["userVerification"], told["allowCredentials"]) == ("required", [])
    assert sent(page, replace(ann.key, sees=False).sign(told)) == 401
    assert sent(page, replace(ann.key, id=b"another").sign(told)) == 401
    assert sent(page, replace(ann.key, origin="https://harb0r.example").sign(told)) == 401
    assert sent(asked(visitor, ann.login), ann.key.sign(told)) == 401
    said = ann.key.sign(told)
    assert sent(page, said) == 204
    assert who(visitor) == "ann"
    visitor.cookies.clear()
    assert sent(page, said) == 401
    page = asked(visitor, ann.login)  # however long the page before could be used
    assert enter(visitor, page, ann.key.sign(options_of(page))) == 204
    visitor.cookies.clear()
    moved = update(User).where(User.username == "ann").values(source="ldap_auth")
    change(database_url, moved)
    again = visitor.get("/account/sign-in")
    assert sent(again, ann.key.sign(options_of(again))) == 401
    assert "Use a passkey" not in words(browser(client).get("/account/sign-in"))


def test_who_sends_rubbish_from_elsewhere_keeps_nobody_out(
    client: TestClient, ann: Account
) -> None:
    locks = client.app.known.accounts.lockout  # type: ignore[attr-defined]
    locks.here.delay_s = 60.0

    def enters() -> int:
        visitor = local(client)
        page = visitor.get("/account/sign-in")
        form = {"ticket": ticket_in(page), "passkey": ann.key.sign(options_of(page))}
        return int(post(visitor, "sign-in/passkey", **form).status_code)

    assert enters() == 204
    for number in range(NAME.free + 1):
        locks.wrong(BY_PASSKEY, f"10.1.0.{number}")
    assert locks.here.is_locked(BY_PASSKEY, "10.2.0.1")
    assert enters() == 204


def test_a_recovery_code_stands_for_a_lost_passkey(client: TestClient, ann: Account) -> None:
    visitor = local(client)
    form = {"ticket": ticket_in(asked(visitor, ann.login)), "code": ann.recovery[0]}
    assert post(visitor, "sign-in/code", **form | {"code": "123456"}).status_code == 401
    assert post(visitor, "sign-in/code", **form).status_code == 204


def test_who_has_one_shows_it_before_anything_changes(client: TestClient, ann: Account) -> None:
    spare = Authenticator(ORIGIN, HOST)
    for what in ("passkey", "begin"):
        refused = post(ann.here, f"second-factor/{what}", password=PASSWORD)
        assert (refused.status_code, wrong_at(refused)) == (403, "code")
    begun = answered(ann.here, "passkey", ann.key)
    told = options_of(begun, "data-new-passkey")
    assert [each["id"] for each in told["excludeCredentials"]]
    assert wrong_at(added(ann.here, begun, spare, "Laptop")) == "name"
    assert wrong_at(added(ann.here, begun, spare, " ")) == "name"
    assert added(ann.here, begun, spare, "Blue key").status_code == 204
    again = added(ann.here, answered(ann.here, "passkey", ann.key), spare, "Same key")
    assert again.status_code == 409
    page = words(ann.here.get(HERE))
    assert "Laptop" in page
    assert "Blue key" in page
    assert answered(ann.here, "codes", spare).status_code == 200
    assert answered(ann.here, "off", ann.key).status_code == 204
    assert client.get("/v2/", auth=ann.login).status_code == 200


def test_what_was_not_made_for_it_is_not_added(client: TestClient) -> None:
    here = signed_in(client, make_user(client, "ann"))
    plain = post(here, "second-factor/passkey", password=PASSWORD)
    assert plain.status_code == 400  # http://testserver has no passkeys
    ann = Account(client, ("ann", PASSWORD))
    begun = answered(ann.here, "passkey", ann.key)
    told = options_of(begun, "data-new-passkey")
    form = {"ticket": ticket_in(begun), "name": "Another"}
    for made in (
        Authenticator("https://harb0r.example", HOST).make(told),
        Authenticator(ORIGIN, "harb0r.example").make(told),
        Authenticator(ORIGIN, HOST).make(told | {"challenge": "AAAA"}),
        Authenticator(ORIGIN, HOST).sign(told),
        "",
    ):
        refused = post(ann.here, "second-factor/passkey/new", **form, passkey=made)
        assert refused.status_code == 400, made
    foreign = form | {"ticket": ticket_in(ann.here.get(f"{HERE}/codes", headers=HTMX))}
    assert post(ann.here, "second-factor/passkey/new", **foreign).status_code == 403


def test_the_last_one_that_is_removed_switches_it_off(
    client: TestClient, ann: Account, rows: Rows
) -> None:
    passkey_id = rows("SELECT id FROM passkey")[0][0]
    path = f"passkeys/{passkey_id}"
    bob = Account(client, make_user(client, "bob"))
    assert bob.here.get(f"{HERE}/{path}", headers=HTMX).status_code == 404
    bobs = {"code": bob.recovery[0]}
    assert post(bob.here, f"second-factor/{path}", **bobs).status_code == 404
    assert "It is the last one" in words(ann.here.get(f"{HERE}/{path}", headers=HTMX))
    assert post(ann.here, f"second-factor/{path}", code="123456").status_code == 403
    assert answered(ann.here, path, ann.key).status_code == 204
    assert client.get("/v2/", auth=ann.login).status_code == 200
    assert rows("SELECT COUNT(*) FROM recovery_code") == [(9,)]  # those of Bob


def test_beside_an_authenticator_the_recovery_codes_stay(client: TestClient) -> None:
    ann = WithAuthenticator(client, make_user(client, "ann"))
    ann.here.base_url = ORIGIN
    assert sign_in(ann.here, ann.login).status_code == 401
    form = {"principal": "ann", "password": PASSWORD, "code": ann.recovery[0]}
    assert ann.here.post("/c/login", data=form).status_code == 200
    begun = post(ann.here, "second-factor/passkey", code=code_of(ann.secret, off=1))
    assert added(ann.here, begun, Authenticator(ORIGIN, HOST), "Phone").status_code == 204
    assert "9 recovery codes are left" in words(ann.here.get(HERE))


def test_an_authenticator_is_removed_and_passkeys_and_recovery_codes_stay(
    client: TestClient, ann: Account, rows: Rows
) -> None:
    begun = answered(ann.here, "begin", ann.key)
    found = SECRET.search(words(begun))
    assert found
    secret = found[0].replace(" ", "")
    assert post(ann.here, "second-factor/confirm", code=code_of(secret)).status_code == 204
    asking = words(ann.here.get(f"{HERE}/authenticator", headers=HTMX))
    assert "passkeys and recovery codes still do" in asking
    assert post(ann.here, "second-factor/authenticator", code="123456").status_code == 403
    assert rows("SELECT COUNT(*) FROM second_factor") == [(1,)]
    assert answered(ann.here, "authenticator", ann.key).status_code == 204
    assert rows("SELECT COUNT(*) FROM second_factor") == [(0,)]
    page = words(ann.here.get(HERE))
    assert "10 recovery codes are left" in page
    assert "Laptop" in page
    assert client.get("/v2/", auth=ann.login).status_code == 401
    visitor = local(client)
    question = asked(visitor, ann.login)
    assert "authenticator" not in words(question)
    code = {"ticket": ticket_in(question), "code": code_of(secret, off=1)}
    assert post(visitor, "sign-in/code", **code).status_code == 401
    recovery = {"ticket": ticket_in(question), "code": ann.recovery[0]}
    assert post(visitor, "sign-in/code", **recovery).status_code == 204
    again = {"code": ann.recovery[1]}
    assert post(ann.here, "second-factor/authenticator", **again).status_code == 404


def test_the_only_authenticator_that_is_removed_switches_it_off(
    client: TestClient, rows: Rows
) -> None:
    ann = WithAuthenticator(client, make_user(client, "ann"))
    assert "It is the last one" in words(ann.here.get(f"{HERE}/authenticator", headers=HTMX))
    gone = {"code": ann.recovery[0]}
    assert post(ann.here, "second-factor/authenticator", **gone).status_code == 204
    assert client.get("/v2/", auth=ann.login).status_code == 200
    assert rows("SELECT COUNT(*) FROM recovery_code") == [(0,)]


def test_passkeys_go_with_the_reset_and_with_the_account(
    client: TestClient, ann: Account, rows: Rows
) -> None:
    bob = Account(client, make_user(client, "bob"))
    path = f"/harbor/users/{id_of(client, 'ann')}/second-factor"
    own = HTMX | {"Sec-Fetch-Site": "same-origin"}
    assert signed_in(client).post(path, headers=own).status_code == 204
    assert client.get("/v2/", auth=ann.login).status_code == 200
    assert delete(client, id_of(client, bob.login[0])).status_code == 200
    assert rows("SELECT COUNT(*) FROM passkey") == [(0,)]


@pytest.mark.parametrize(
    ("host", "external_url", "expected"),
    [
        ("registry.example", "https://registry.example", "https://registry.example"),
        ("Registry.example:443", "https://other.example", "https://registry.example"),
        ("registry.example:8443", "https://registry.example", "https://registry.example:8443"),
        ("registry.localhost:8080", "", "http://registry.localhost:8080"),
        ("registry.example", "", None),
        ("127.0.0.1:8080", "https://registry.example", None),
        ("[::1]:8080", "https://registry.example", None),
        ("[x]", "https://registry.example", None),
    ],
)
def test_which_site_a_browser_is_at(host: str, external_url: str, expected: str | None) -> None:
    scope = {
        "type": "http",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "server": ("x", 80),
        "headers": [(b"host", host.encode())],
    }
    found = passkeys.site_of(Request(scope), external_url)
    assert (found and found.origin) == expected
