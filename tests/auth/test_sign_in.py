"""Signing in and out with a browser."""

import asyncio
import logging
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.auth import cookies, csrf
from harbor.core import crypto
from tests.auth.browsers import (
    browser,
    configure,
    set_cookies,
    sid_of,
    sign_in,
    signed_in,
    who,
    with_sid,
)
from tests.conftest import Start
from tests.make import ADMIN, API, Login, error_of, make_user
from tests.registry.servers import Rows, ask, in_server

FORM = (b"content-type", b"application/x-www-form-urlencoded")


def lines(rows: Rows, *operations: str) -> list[tuple[Any, ...]]:
    wanted = ", ".join(f"'{operation}'" for operation in operations or ("login", "logout"))
    found = rows(
        "SELECT operation, resource_type, resource, username, operation_result FROM audit_log_ext"
        f" WHERE operation IN ({wanted}) ORDER BY id"
    )
    return [(*line, bool(result)) for *line, result in found]


def test_whoever_signs_in_is_known_from_then_on(client: TestClient) -> None:
    ann = make_user(client, "ann")
    visitor = browser(client)
    assert who(visitor) == ""
    answer = sign_in(visitor, ann)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert who(visitor) == "ann"
    assert who(browser(client)) == ""


def test_one_signs_in_with_the_email_address_too(client: TestClient, rows: Rows) -> None:
    _, password = make_user(client, "ann")
    assert who(signed_in(client, ("ann@example.com", password))) == "ann"
    assert lines(rows) == [("login", "user", "ann", "ann", True)]


@pytest.mark.parametrize(
    ("url", "external_url", "secure"),
    [
        ("http://testserver", "", False),
        ("https://testserver", "", True),
        ("http://testserver", "https://registry.example.com", True),
        ("https://testserver", "http://registry.example.com", True),
        ("http://testserver", "http://registry.example.com", False),
    ],
)
def test_cookies_are_kept_from_scripts_other_sites_and_plain_http(
    start: Start, url: str, external_url: str, secure: bool
) -> None:
    visitor = browser(start(external_url=external_url), base_url=url)
    found = set_cookies(sign_in(visitor))
    if_secure = ["Secure"] if secure else []
    sid, token = found.pop("sid"), found.pop("_gorilla_csrf")
    assert found == {}
    assert len(sid.pop(0)) == 43
    assert sid == ["Path=/", "HttpOnly", "SameSite=Lax", *if_secure]
    assert len(token.pop(0)) == 43
    assert token == ["Path=/", "HttpOnly", "SameSite=Strict", *if_secure]


def test_only_the_hash_of_a_cookie_is_kept(client: TestClient, rows: Rows) -> None:
    sid = sid_of(signed_in(client))
    ((kept, *_),) = rows("SELECT * FROM session")
    assert len(kept) == 64
    assert not any(sid in str(row) for row in rows("SELECT * FROM session"))
    assert who(with_sid(client, kept)) == ""


@pytest.mark.parametrize(
    ("principal", "password"),
    [
        ("ann", "wrong"),
        ("ann", ""),
        ("", ""),
        ("nobody", "wrong"),
        ("anonymous", ""),
        ("Ann", "Passw0rd-of-a-test"),
        ("ann' OR 1=1 --", "x"),
        ("ann\r\nSet-Cookie: sid=x", "x"),
        ("é" * 255, "☃"),
        ("ann", "x" * 100_000),
    ],
)
def test_whoever_is_wrong_gets_no_session(
    shared: TestClient, shared_rows: Rows, principal: str, password: str
) -> None:
    if who(shared, auth=("ann", "Passw0rd-of-a-test")) == "":
        make_user(shared, "ann")
    before = len(lines(shared_rows))
    answer = sign_in(browser(shared), (principal, password))
    assert error_of(answer) == (401, "UNAUTHORIZED")
    assert "set-cookie" not in answer.headers
    assert shared_rows("SELECT COUNT(*) FROM session") == [(0,)]
    assert lines(shared_rows)[before:] == [
        ("login", "user", principal, principal or "anonymous", False)
    ]


def test_unknown_names_and_wrong_passwords_are_answered_alike(shared: TestClient) -> None:
    make_user(shared, "known")
    answers = [sign_in(browser(shared), (name, "wrong")) for name in ("known", "unknown")]
    for answer in answers:
        del answer.headers["X-Request-Id"]
    assert answers[0].headers == answers[1].headers
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"principal": "admin"},
        {"password": "x"},
        {"principal": "a" * 256, "password": "x"},
        {"principal": "a\0b", "password": "x"},
    ],
)
def test_what_is_no_sign_in_is_refused(
    shared: TestClient, shared_rows: Rows, form: dict[str, str]
) -> None:
    before = lines(shared_rows)
    answer = browser(shared).post("/c/login", data=form)
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")
    assert lines(shared_rows) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\xff\xfe=1", 400),
        (b'{"principal":"admin","password":"Harbor12345"}', 422),
        (b"principal=%ff&password=%fe", 401),
        (b"&" * 2_000, 400),
        (b"principal=admin&password=" + b"x" * 5 * 1024 * 1024, 413),
    ],
    ids=["no text", "JSON", "no UTF-8", "many fields", "too large"],
)
def test_odd_forms_are_refused(shared: TestClient, body: bytes, status: int) -> None:
    length = (b"content-length", str(len(body)).encode())
    assert ask(shared, "POST", "/c/login", headers=[FORM, length], chunks=[body]).status_code == (
        status
    )


def test_signing_in_and_out_is_in_the_audit_log(client: TestClient, rows: Rows) -> None:
    ann = make_user(client, "ann")
    visitor = signed_in(client, ann)
    sign_in(visitor, ("ann", "wrong"))
    visitor.get("/c/log_out")
    visitor.get("/c/log_out")  # by nobody: there is nothing to tell
    assert lines(rows) == [
        ("login", "user", "ann", "ann", True),
        ("login", "user", "ann", "ann", False),
        ("logout", "user", "ann", "ann", True),
    ]


def test_no_password_is_ever_written_down(
    client: TestClient, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        sid = sid_of(signed_in(client))
        sign_in(browser(client), ("admin", "a wrong secret"))
    told = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    kept = "\n".join(map(str, rows("SELECT * FROM audit_log_ext")))
    for secret in (ADMIN[1], "a wrong secret", sid):
        assert secret not in told
        assert secret not in kept


class Attempt(threading.Thread):
    """A sign-in that waits for its answer."""

    def __init__(self, client: TestClient, login: Login) -> None:
        super().__init__()
        self.client, self.login, self.status = client, login, 0
        self.start()

    def run(self) -> None:
        self.status = sign_in(self.client, self.login).status_code


def test_while_a_name_is_locked_nobody_signs_in_and_nothing_is_written(
    start: Start, rows: Rows
) -> None:
    client = start(failed_login_delay_s=2.0)
    ann = make_user(client, "ann")
    wrong = Attempt(browser(client), ("ann", "wrong"))
    wrong.join(timeout=0.5)
    assert wrong.is_alive()  # it waits for its answer
    assert error_of(sign_in(browser(client), ann)) == (401, "UNAUTHORIZED")
    elsewhere = browser(client, client=("10.0.0.9", 50001))
    assert sign_in(elsewhere, ann).status_code == 200
    wrong.join()
    assert wrong.status == 401
    assert sorted(line[-1] for line in lines(rows)) == [False, True]


class Compared(list[str]):
    """The passwords that were compared with a hash, as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Compared:
    found = Compared()
    verify_password = crypto.verify_password

    async def verify(password: str, kept: str | None) -> tuple[bool, str | None]:
        found.append(password)
        found.begun.set()
        return await verify_password(password, kept)

    monkeypatch.setattr(crypto, "verify_password", verify)
    return found


@pytest.mark.parametrize("known", [True, False], ids=["an-account", "no-account"])
def test_guessing_at_once_is_no_faster_and_tells_nothing(
    start: Start, compared: Compared, known: bool
) -> None:
    """Of all who guess at a name at once, one is heard, whether or not there is an account."""
    client = start(failed_login_delay_s=0.1)
    name, password = make_user(client, "ann") if known else ("ann", "Some-Passw0rd")
    accounts = client.app.known.accounts  # type: ignore[attr-defined]
    compared.clear()
    compared.begun.clear()

    async def guess() -> list[Any]:
        first = asyncio.create_task(accounts.check(name, "wrong 0", address="10.0.0.9"))
        await compared.begun.wait()  # who comes first is not for the database to say
        others = [*(f"wrong {number}" for number in range(1, 5)), password]
        return await asyncio.gather(
            first, *(accounts.check(name, each, address="10.0.0.9") for each in others)
        )

    assert in_server(client, guess) == 6 * [None]
    assert compared == ["wrong 0"]


def test_the_same_right_password_many_times_at_once_is_compared_once(
    client: TestClient, compared: Compared
) -> None:
    name, password = make_user(client, "ann")
    accounts = client.app.known.accounts  # type: ignore[attr-defined]
    compared.clear()

    async def come() -> list[Any]:
        return await asyncio.gather(
            *(accounts.check(name, password, address="10.0.0.9") for _ in range(5))
        )

    assert [each.username for each in in_server(client, come)] == 5 * [name]
    assert compared == [password]


def test_a_signed_in_browser_may_sign_in_as_somebody_else(client: TestClient, rows: Rows) -> None:
    ann = make_user(client, "ann")
    visitor = signed_in(client)
    first = sid_of(visitor)
    assert sign_in(visitor, ann).status_code == 200
    assert who(visitor) == "ann"
    assert who(with_sid(client, first)) == ""
    assert rows("SELECT COUNT(*) FROM session") == [(1,)]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_signing_out_ends_the_session_for_whoever_has_the_cookie(
    client: TestClient, rows: Rows, method: str
) -> None:
    visitor = signed_in(client)
    sid = sid_of(visitor)
    answer = visitor.request(method, "/c/log_out", headers={"Origin": "http://testserver"})
    assert (answer.status_code, answer.content) == (200, b"")
    dropped = set_cookies(answer)
    assert dropped.keys() == {"sid", "_gorilla_csrf"}
    assert all(value == "" and "Max-Age=0" in rest for value, *rest in dropped.values())
    assert csrf.HEADER not in answer.headers
    assert visitor.cookies.get(cookies.SID) is None
    assert who(with_sid(client, sid)) == ""
    assert rows("SELECT COUNT(*) FROM session") == [(0,)]


def test_signing_out_leaves_other_sessions_alone(client: TestClient) -> None:
    here, there = signed_in(client), signed_in(client)
    here.get("/c/log_out")
    assert who(there) == "admin"


def test_nobody_may_sign_out(client: TestClient) -> None:
    assert browser(client).get("/c/log_out").status_code == 200
    assert with_sid(client, "unknown").get("/c/log_out").status_code == 200


def test_credentials_in_the_request_go_before_the_cookie(client: TestClient) -> None:
    ann = make_user(client, "ann")
    visitor = signed_in(client)
    assert who(visitor, auth=ann) == "ann"
    assert who(visitor, auth=("ann", "wrong")) == ""
    assert who(visitor, headers={"Authorization": "nonsense"}) == ""
    assert who(visitor) == "admin"


def test_a_session_fetches_registry_tokens_but_is_none(client: TestClient) -> None:
    visitor = signed_in(client)
    told = visitor.get("/service/token", params={"service": "harbor-registry"}).json()
    bearer = {"Authorization": f"Bearer {told['token']}"}
    assert client.get("/v2/", headers=bearer).status_code == 200
    for path in ("/v2/", "/v2/_catalog", "/v2/library/app/tags/list"):
        answer = visitor.get(path)
        assert answer.status_code == 401
        assert csrf.HEADER not in answer.headers
    assert visitor.post("/v2/library/app/blobs/uploads/").status_code == 401


def test_files_of_pages_come_without_cookies(client: TestClient) -> None:
    visitor = signed_in(client)
    visitor.cookies.delete(cookies.CSRF)
    answer = visitor.get("/static/harbor.css")
    assert csrf.HEADER not in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("target", "value", "taken"),
    [
        ("username", "ann", True),
        ("username", "bob", False),
        ("username", "anonymous", True),
        ("username", "", False),
        ("username", "%", False),
        ("email", "ann@example.com", True),
        ("email", "bob@example.com", False),
    ],
)
def test_whoever_may_register_may_ask_what_is_taken(
    client: TestClient, target: str, value: str, taken: bool
) -> None:
    make_user(client, "ann")
    configure(client, self_registration=True)
    answer = browser(client).post("/c/userExists", data={"target": target, "value": value})
    assert (answer.status_code, answer.json()) == (200, taken)


def test_elsewhere_only_administrators_may_ask_what_is_taken(client: TestClient) -> None:
    ann = make_user(client, "ann")
    asked: dict[str, Any] = {"data": {"target": "username", "value": "ann"}}
    assert error_of(browser(client).post("/c/userExists", **asked)) == (412, "PRECONDITION")
    assert error_of(client.post("/c/userExists", auth=ann, **asked)) == (412, "PRECONDITION")
    assert client.post("/c/userExists", auth=ADMIN, **asked).json() is True


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"target": "password", "value": "x"}, 400),
        ({"target": "user_id", "value": "1"}, 400),
        ({"value": "x"}, 422),
        ({"target": "username"}, 422),
        ({"target": "username", "value": "a" * 256}, 422),
    ],
)
def test_only_names_and_addresses_can_be_asked_for(
    shared: TestClient, form: dict[str, str], status: int
) -> None:
    assert shared.post("/c/userExists", data=form, auth=ADMIN).status_code == status


def test_errors_are_json_and_other_methods_are_none(shared: TestClient) -> None:
    assert shared.get("/c/login").status_code == 405
    assert shared.put("/c/log_out").status_code == 405
    assert shared.get(f"{API}/users/current").headers["Content-Type"].startswith("application/json")
