"""Signing in by name and password, at /v2 and at the token service."""

import asyncio
import hashlib
import logging
import threading
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from harbor import maintenance
from harbor.core.settings import Settings
from harbor.users.models import User
from tests.conftest import Start
from tests.make import ADMIN, API, Login, make_project, make_user, token_for
from tests.registry.servers import Change, Rows

SALT = "0123456789abcdef0123456789abcdef"
ROUNDS = {"sha1": 4096, "sha256": 4096, "pbkdf2_sha256": 600_000}
OTHER = "Another-Passw0rd"


def harbor_hash(version: str, password: str) -> str:
    """As Harbor's three columns hold it, joined."""
    name = "sha1" if version == "sha1" else "sha256"
    made = hashlib.pbkdf2_hmac(name, password.encode(), SALT.encode(), ROUNDS[version], 16)
    return f"$harbor${version}${SALT}${made.hex()}"


def status(client: TestClient, login: Login) -> int:
    return client.get("/v2/", auth=login).status_code


def set_hash(change: Change, name: str, kept: str | None, **more: Any) -> None:
    change(update(User).where(User.username == name).values(password=kept, **more))


def hash_of(rows: Rows, name: str) -> str:
    ((kept,),) = rows(f"SELECT password FROM harbor_user WHERE username = '{name}'")
    return str(kept)


@pytest.mark.parametrize("version", ROUNDS)
def test_a_hash_made_by_harbor_is_replaced_when_its_owner_signs_in(
    shared: TestClient, shared_rows: Rows, shared_change: Change, version: str
) -> None:
    name, _ = make_user(shared, f"old-{version}")
    old = harbor_hash(version, OTHER)
    set_hash(shared_change, name, old)
    assert status(shared, (name, "wrong")) == 401
    assert hash_of(shared_rows, name) == old
    assert status(shared, (name, OTHER)) == 200
    assert hash_of(shared_rows, name).startswith("$argon2id$")
    assert status(shared, (name, OTHER)) == 200
    assert status(shared, (name, "wrong")) == 401


def test_new_passwords_are_kept_as_argon2id(shared: TestClient, shared_rows: Rows) -> None:
    name, password = make_user(shared, "new")
    kept = hash_of(shared_rows, name)
    assert kept.startswith("$argon2id$v=19$")
    assert password not in kept


def test_a_changed_password_counts_at_once(shared: TestClient, shared_settings: Settings) -> None:
    name, password = make_user(shared, "changing")
    assert status(shared, (name, password)) == 200
    assert status(shared, (name, password)) == 200  # remembered
    asyncio.run(maintenance.reset_password(shared_settings, name, OTHER))
    assert status(shared, (name, password)) == 401
    assert status(shared, (name, OTHER)) == 200


def test_a_deleted_account_cannot_sign_in_any_more(
    shared: TestClient, shared_change: Change
) -> None:
    name, password = make_user(shared, "leaving")
    assert status(shared, (name, password)) == 200
    shared_change(update(User).where(User.username == name).values(deleted=True))
    assert status(shared, (name, password)) == 401


def test_an_account_without_a_password_cannot_sign_in(
    shared: TestClient, shared_change: Change
) -> None:
    name, password = make_user(shared, "passwordless")
    set_hash(shared_change, name, None)
    for guess in (password, "", "None"):
        assert status(shared, (name, guess)) == 401


def test_the_placeholder_of_anonymous_people_is_no_account(shared: TestClient) -> None:
    assert status(shared, ("anonymous", "")) == 401


def test_an_administrator_who_was_demoted_is_none_at_once(
    shared: TestClient, shared_change: Change
) -> None:
    name, password = make_user(shared, "boss")
    promoted = update(User).where(User.username == name)
    shared_change(promoted.values(sysadmin_flag=True))
    assert shared.get("/v2/_catalog", auth=(name, password)).status_code == 200
    shared_change(promoted.values(sysadmin_flag=False))
    assert shared.get("/v2/_catalog", auth=(name, password)).status_code == 401


def test_one_signs_in_with_the_username_or_the_address(shared: TestClient) -> None:
    name, password = make_user(shared, "mail")
    assert status(shared, (f"{name}@example.com", password)) == 200
    assert status(shared, (f"{name}@example.org", password)) == 401


def test_a_username_goes_before_somebody_elses_address(shared: TestClient) -> None:
    body = {"username": "twin@example.com", "email": "first@example.com", "realname": "t"}
    made = shared.post(f"{API}/users", json=body | {"password": OTHER}, auth=ADMIN)
    assert made.status_code == 201
    _, password = make_user(shared, "twin")  # whose address is twin@example.com
    assert status(shared, ("twin@example.com", OTHER)) == 200
    assert status(shared, ("twin@example.com", password)) == 401
    assert status(shared, ("twin", password)) == 200


@pytest.mark.parametrize(
    "password",
    ["with:colons:Aa1", "mit Ümlaut und ☃ 1A", 42 * "aA1", "  spaces Around1  "],
    ids=["colons", "unicode", "long", "spaces"],
)
def test_a_password_may_hold_anything(
    shared: TestClient, shared_settings: Settings, password: str, request: Any
) -> None:
    name, _ = make_user(shared, f"odd-{request.node.callspec.id}")
    asyncio.run(maintenance.reset_password(shared_settings, name, password))
    assert status(shared, (name, password)) == 200


def test_every_byte_of_a_password_counts(shared: TestClient, shared_settings: Settings) -> None:
    name, _ = make_user(shared, "lengthy")
    long = 30 * "aA1x"
    asyncio.run(maintenance.reset_password(shared_settings, name, long))
    assert status(shared, (name, long)) == 200
    for wrong in (long[:-1], long[:72], long[:-1] + "y", long + "x"):
        assert status(shared, (name, wrong)) == 401


@pytest.mark.parametrize("password", ["", 5000 * "a", "é", "Harbor12345 ", "harbor12345"])
def test_a_wrong_password_is_wrong_however_odd(shared: TestClient, password: str) -> None:
    assert status(shared, (ADMIN[0], password)) == 401


def test_unknown_names_and_wrong_passwords_are_answered_alike(shared: TestClient) -> None:
    name, _ = make_user(shared, "known")
    answers = [shared.get("/v2/", auth=(each, "wrong")) for each in (name, "unknown")]
    for answer in answers:
        del answer.headers["X-Request-Id"]
    assert answers[0].status_code == answers[1].status_code == 401
    assert answers[0].headers == answers[1].headers
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("name", ["Admin", "ad min", " admin", "admin\n", "%", "admin' OR 1=1 --"])
def test_names_are_compared_exactly(shared: TestClient, name: str) -> None:
    assert status(shared, (name, ADMIN[1])) == 401


class Attempt(threading.Thread):
    """A request with a wrong password, which waits for its answer."""

    def __init__(self, client: TestClient, login: Login) -> None:
        super().__init__()
        self.client, self.login, self.status = client, login, 0
        self.start()

    def run(self) -> None:
        self.status = status(self.client, self.login)


def from_address(client: TestClient, address: str) -> TestClient:
    """The same server, asked from another address."""
    other = TestClient(client.app, client=(address, 50001))
    other.portal = client.portal
    return other


def test_a_wrong_password_locks_the_name_for_a_while_for_its_address(start: Start) -> None:
    client = start(failed_login_delay_s=1.0)
    ann = make_user(client, "ann")
    assert status(client, ann) == 200
    wrong = Attempt(client, ("ann", "wrong"))
    wrong.join(timeout=0.5)
    assert wrong.is_alive()  # it waits for its answer
    assert status(client, ann) == 401
    assert status(from_address(client, "10.0.0.9"), ann) == 200
    assert status(client, ADMIN) == 200
    wrong.join()
    assert wrong.status == 401
    assert status(client, ann) == 200


def test_a_name_that_does_not_exist_waits_as_long(start: Start) -> None:
    client = start(failed_login_delay_s=0.5)
    wrong = Attempt(client, ("nobody", "wrong"))
    wrong.join(timeout=0.3)
    assert wrong.is_alive()
    wrong.join()
    assert wrong.status == 401


def test_members_who_are_removed_lose_access_at_once(shared: TestClient) -> None:
    make_project(shared, "club")
    ann = make_user(shared, "ann")
    body = {"role_id": 2, "member_user": {"username": "ann"}}
    member = shared.post(f"{API}/projects/club/members", json=body, auth=ADMIN)
    assert shared.post("/v2/club/app/blobs/uploads/", auth=ann).status_code == 202
    path = member.headers["Location"]
    assert shared.put(path, json={"role_id": 3}, auth=ADMIN).status_code == 200
    assert shared.post("/v2/club/app/blobs/uploads/", auth=ann).status_code == 401
    assert shared.get("/v2/club/app/tags/list", auth=ann).status_code == 404
    assert shared.delete(path, auth=ADMIN).status_code == 200
    assert shared.get("/v2/club/app/tags/list", auth=ann).status_code == 401


def test_no_secret_is_ever_logged(shared: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    name, password = make_user(shared, "discreet")
    with caplog.at_level(logging.DEBUG):
        token = token_for(shared, (name, password), "repository:library/app:pull")
        shared.get("/v2/", auth=(name, "a wrong secret"))
        shared.get("/v2/", headers={"Authorization": f"Bearer {token}x"})
        shared.get("/v2/library/app/tags/list", auth=(name, password))
    told = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "login failed" in told
    for secret in (password, "a wrong secret", token):
        assert secret not in told
