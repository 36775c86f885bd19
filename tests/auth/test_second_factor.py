"""The second factor: what opens the account, what no longer does, and how it is lost."""

import re
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.auth import second_factor
from harbor.core import clock
from tests.auth.browsers import Wait, browser, sid_of, sign_in, signed_in, who
from tests.auth.oidc import signed_in_there
from tests.auth.provider import Provider
from tests.auth.test_access_tokens import make_token
from tests.make import ADMIN, API, PASSWORD, Login, make_user
from tests.projects.pages import HTMX, told, words, wrong_at
from tests.registry.servers import Rows
from tests.users.people import delete, id_of

OWN = HTMX | {"Sec-Fetch-Site": "same-origin"}
TICKET = re.compile(r'name="ticket" value="([^"]+)"')
SECRET = re.compile(r"(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}")
RECOVERY = re.compile(r"(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}")


def code_of(secret: str, *, off: int = 0) -> str:
    """What the authenticator shows, now or *off* steps from now."""
    now = clock.now() + timedelta(seconds=off * second_factor.STEP_S)
    return second_factor.generator(secret).generate(int(now.timestamp())).decode()


def post(here: TestClient, path: str, **form: Any) -> Any:
    return here.post(f"/account/{path}", data=form, headers=OWN)


class Account:
    """Somebody with a second factor, and the browser that switched it on."""

    def __init__(self, client: TestClient, login: Login) -> None:
        self.login, self.here = login, signed_in(client, login)
        begun = post(self.here, "second-factor/begin", password=login[1])
        found = SECRET.search(words(begun))
        assert found, begun.text
        self.secret = found[0].replace(" ", "")
        assert "<svg" in begun.text
        made = post(self.here, "second-factor/confirm", code=code_of(self.secret))
        self.recovery = RECOVERY.findall(words(made))
        assert len(self.recovery) == second_factor.RECOVERY_CODES


@pytest.fixture
def ann(client: TestClient) -> Account:
    return Account(client, make_user(client, "ann"))


def ticket(visitor: TestClient, login: Login) -> str:
    asked = post(visitor, "sign-in", principal=login[0], password=login[1])
    found = TICKET.search(asked.text)
    assert found, asked.text
    assert sid_of(visitor) == ""  # no session before the second factor
    return found[1]


def enter(visitor: TestClient, told_ticket: str, code: str) -> int:
    return int(post(visitor, "sign-in/code", ticket=told_ticket, code=code).status_code)


def test_password_and_code_open_it_and_a_code_counts_once(
    client: TestClient, ann: Account, wait: Wait
) -> None:
    wait(1)
    first, second = browser(client), browser(client)
    code = code_of(ann.secret)
    assert enter(first, ticket(first, ann.login), code) == 204
    assert who(first) == "ann"
    assert enter(second, ticket(second, ann.login), code) == 401
    assert who(second) == ""
    assert enter(second, ticket(second, ann.login), code_of(ann.secret, off=-1)) == 401
    wait(2)
    assert enter(second, ticket(second, ann.login), code_of(ann.secret)) == 204


def test_the_code_that_switched_it_on_opens_nothing(client: TestClient) -> None:
    ann = Account(client, make_user(client, "ann"))
    visitor = browser(client)
    assert enter(visitor, ticket(visitor, ann.login), code_of(ann.secret)) == 401


def test_a_recovery_code_opens_it_once(client: TestClient, ann: Account) -> None:
    for expected in (204, 401):
        visitor = browser(client)
        code = ann.recovery[0].lower().replace("-", " ")
        assert enter(visitor, ticket(visitor, ann.login), code) == expected
    assert "9 recovery codes are left" in words(ann.here.get("/account/second-factor"))


@pytest.mark.parametrize("code", ["", "000000", "1234567", "\u0660" * 6, "a" * 64, "' OR 1=1 --"])
def test_a_wrong_code_opens_nothing(client: TestClient, ann: Account, code: str) -> None:
    visitor = browser(client)
    assert enter(visitor, ticket(visitor, ann.login), code) == 401
    assert who(visitor) == ""


def test_the_password_alone_opens_nothing_but_a_token_does(
    client: TestClient, ann: Account, wait: Wait
) -> None:
    assert client.get("/v2/", auth=ann.login).status_code == 401
    assert client.get(f"{API}/users/current", auth=ann.login).status_code == 401
    asked = {"service": "harbor-registry"}
    assert client.get("/service/token", params=asked, auth=ann.login).status_code == 401
    assert sign_in(browser(client), ann.login).status_code == 401
    made = post(ann.here, "tokens/new", name="ci", actions="read")
    found = re.search(r"hbp_\w{44}", made.text)
    assert found
    assert client.get("/v2/", auth=("ann", found[0])).status_code == 200
    wait(1)
    form = {"principal": "ann", "password": PASSWORD, "code": code_of(ann.secret)}
    assert browser(client).post("/c/login", data=form).status_code == 200


def test_a_ticket_is_ours_short_lived_and_ends_with_the_password(
    client: TestClient, ann: Account, wait: Wait
) -> None:
    visitor = browser(client)
    wait(1)
    kept = ticket(visitor, ann.login)
    body, _, signed = kept.partition(".")
    bob = ticket_of_bob(client)
    for forged in (
        "",
        ".",
        "x.y",
        f"{body}.",
        f"{bob.partition('.')[0]}.{signed}",
        f"{body}x.{signed}",
    ):
        assert enter(visitor, forged, code_of(ann.secret)) == 401
    changed = {"new_password": "Another-Passw0rd"}
    path = f"{API}/users/{id_of(client, 'ann')}/password"
    assert client.put(path, json=changed, auth=ADMIN).status_code == 200
    assert enter(visitor, kept, code_of(ann.secret)) == 401
    late = ticket(visitor, ("ann", "Another-Passw0rd"))
    wait(1 + second_factor.TICKET_S / 60 + 1)
    assert enter(visitor, late, code_of(ann.secret)) == 401


def ticket_of_bob(client: TestClient) -> str:
    bob = Account(client, make_user(client, "bob"))
    return ticket(browser(client), bob.login)


def test_guessing_codes_makes_wait_as_guessing_passwords_does(
    client: TestClient, ann: Account, wait: Wait
) -> None:
    visitor = browser(client)
    kept = ticket(visitor, ann.login)
    locks = client.app.known.accounts.lockout  # type: ignore[attr-defined]
    locks.here.delay_s = 600.0
    assert enter(visitor, kept, "000000") == 401
    wait(1)
    assert enter(visitor, kept, code_of(ann.secret)) == 401
    which = {"name": "ann#code", "address": "testclient"}
    assert client.delete(f"{API}/users/lockouts", params=which, auth=ADMIN).status_code == 200
    assert enter(visitor, kept, code_of(ann.secret)) == 204


def test_it_is_switched_on_by_whoever_knows_the_password_and_the_code(client: TestClient) -> None:
    here = signed_in(client, make_user(client, "ann"))
    assert "It is off" in words(here.get("/account/second-factor"))
    wrong = post(here, "second-factor/begin", password="wrong")
    assert (wrong.status_code, wrong_at(wrong)) == (403, "password")
    assert post(here, "second-factor/confirm", code="123456").status_code == 404
    begun = post(here, "second-factor/begin", password=PASSWORD)
    found = SECRET.search(words(begun))
    assert found
    unsure = post(here, "second-factor/confirm", code="000000")
    assert (unsure.status_code, wrong_at(unsure)) == (403, "code")
    assert client.get("/v2/", auth=("ann", PASSWORD)).status_code == 200  # not on yet


def test_it_is_switched_off_with_a_code(client: TestClient, ann: Account, wait: Wait) -> None:
    refused = post(ann.here, "second-factor/off", code="000000")
    assert (refused.status_code, wrong_at(refused)) == (403, "code")
    wait(1)
    renewed = post(ann.here, "second-factor/codes", code=code_of(ann.secret))
    fresh = RECOVERY.findall(words(renewed))
    assert not set(fresh) & set(ann.recovery)
    assert post(ann.here, "second-factor/off", code=ann.recovery[0]).status_code == 403
    assert told(post(ann.here, "second-factor/off", code=fresh[0]))["said"]
    assert client.get("/v2/", auth=ann.login).status_code == 200


def test_an_administrator_resets_it(client: TestClient, ann: Account, rows: Rows) -> None:
    path = f"/harbor/users/{id_of(client, 'ann')}/second-factor"
    boss = signed_in(client)
    assert "Make sure that it is they who ask" in words(boss.get(path, headers=HTMX))
    assert boss.post(path, headers=OWN).status_code == 204
    assert boss.post(path, headers=OWN).status_code == 404
    assert client.get("/v2/", auth=ann.login).status_code == 200
    assert rows("SELECT COUNT(*) FROM recovery_code") == [(0,)]


def test_nothing_of_it_is_kept_in_the_clear_or_after_the_account(
    client: TestClient, ann: Account, rows: Rows
) -> None:
    kept = str(rows("SELECT * FROM second_factor") + rows("SELECT * FROM recovery_code"))
    kept += str(rows("SELECT * FROM audit_log_ext"))
    assert ann.secret not in kept
    assert not any(second_factor.plain(each) in kept for each in ann.recovery)
    assert delete(client, id_of(client, "ann")).status_code == 200
    assert rows("SELECT COUNT(*) FROM second_factor") == [(0,)]


def test_who_comes_from_a_provider_has_none_here_but_tokens(
    client: TestClient, provider: Provider
) -> None:
    here = signed_in_there(client)
    assert "kept in another directory" in words(here.get("/account/second-factor"))
    for change in ("begin", "passkey"):
        assert post(here, f"second-factor/{change}", password="").status_code == 400
    made = re.search(r"hbp_\w{44}", post(here, "tokens/new", name="ci", actions="read").text)
    assert made
    assert client.get("/v2/", auth=("Ann_Lee", made[0])).status_code == 200


def test_a_token_changes_nothing_of_it(client: TestClient) -> None:
    ann = make_user(client, "ann")
    token = make_token(client, ann, "write")
    form = {"password": ann[1]}
    assert client.post("/account/second-factor/begin", data=form, auth=token).status_code == 403
