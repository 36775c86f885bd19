"""How long a session is good, and for whom."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from starlette.testclient import TestClient

from harbor import maintenance
from harbor.app import Building
from harbor.auth import jobs, sessions
from harbor.auth.models import Session
from harbor.core import clock
from harbor.core.settings import Settings
from harbor.users.models import User
from tests.auth.browsers import (
    Wait,
    browser,
    configure,
    sid_of,
    sign_in,
    signed_in,
    who,
    with_sid,
)
from tests.auth.test_passwords import harbor_hash, set_hash
from tests.conftest import Start
from tests.make import ADMIN, API, PASSWORD, make_user
from tests.registry.servers import Rows, ask, change, flush, in_server, until

OTHER = "Another-Passw0rd"


def count(rows: Rows) -> int:
    ((number,),) = rows("SELECT COUNT(*) FROM session")
    return int(number)


def set_user(url: str, name: str, **values: Any) -> None:
    change(url, update(User).where(User.username == name).values(**values))


@pytest.mark.parametrize(
    "chosen", [b"a", b"x" * 43, b"x" * 256, b"x" * 5_000, b"../../sid", b"\xe9"]
)
def test_an_id_that_the_client_chose_is_never_adopted(
    shared: TestClient, shared_rows: Rows, chosen: bytes
) -> None:
    form = b"principal=admin&password=Harbor12345"
    answer = ask(shared, "POST", "/c/login", headers=[(b"cookie", b"sid=" + chosen)], chunks=[form])
    assert answer.status_code == 200
    text = chosen.decode("latin-1")
    ids = {kept for (kept,) in shared_rows("SELECT id FROM session")}
    assert not ids & {text, sessions.hashed(text)}
    headers = [(b"cookie", b"sid=" + chosen)]
    assert ask(shared, "GET", f"{API}/users/current", headers=headers).status_code == 401


def test_a_session_that_somebody_planted_is_over_when_its_victim_signs_in(
    client: TestClient,
) -> None:
    ann = make_user(client, "ann")
    attacker = signed_in(client, ann)
    victim = with_sid(client, sid_of(attacker))
    sign_in(victim)
    assert who(victim) == "admin"
    assert sid_of(victim) != sid_of(attacker)
    assert who(attacker) == ""


def test_each_sign_in_has_a_secret_of_its_own(client: TestClient) -> None:
    found = {sid_of(signed_in(client)) for _ in range(5)}
    assert len(found) == 5


@pytest.mark.parametrize(
    "cookie",
    [
        "sid=",
        "sid",
        "sid=%00",
        "SID={sid}",
        "sid={sid}x",
        "sid={sid}; sid=other",
        "sid=other; sid={sid}",
        "x=sid={sid}",
        "sid={short}",
    ],
)
def test_what_is_not_exactly_the_cookie_is_none(shared: TestClient, cookie: str) -> None:
    sid = sid_of(signed_in(shared))
    sent = {"Cookie": cookie.format(sid=sid, short=sid[:-1])}
    assert who(shared, headers=sent) == ""


@pytest.mark.parametrize("cookie", ["sid={sid}", "a=b; sid={sid};", "sid={sid}; sid={sid}"])
def test_the_cookie_is_found_among_others(shared: TestClient, cookie: str) -> None:
    sid = sid_of(signed_in(shared))
    assert who(shared, headers={"Cookie": cookie.format(sid=sid)}) == "admin"


def test_a_session_holds_over_processes_and_restarts(
    client: TestClient, settings: Settings
) -> None:
    sid = sid_of(signed_in(client))
    with TestClient(Building(settings)) as other:
        assert who(with_sid(other, sid)) == "admin"


def test_a_session_ends_when_nobody_used_it(client: TestClient, wait: Wait) -> None:
    visitor = signed_in(client)
    wait(59.9)
    assert who(visitor) == "admin"
    flush(client)
    wait(60.1)
    assert who(visitor) == ""


def test_each_use_makes_a_session_last_longer(client: TestClient, wait: Wait) -> None:
    visitor = signed_in(client)
    for _ in range(4):
        wait(50)
        assert who(visitor) == "admin"
        flush(client)
    wait(61)
    assert who(visitor) == ""


def test_what_a_page_asks_by_itself_does_not(client: TestClient, wait: Wait) -> None:
    visitor = signed_in(client)
    for _ in range(2):
        wait(25)
        assert who(visitor, headers={"X-Harbor-No-Session-Renewal": "true"}) == "admin"
        flush(client)
    wait(25)
    assert who(visitor) == ""


def test_not_every_request_is_written_down(client: TestClient, rows: Rows, wait: Wait) -> None:
    visitor = signed_in(client)
    before = rows("SELECT last_seen, expires_at FROM session")
    wait(0.5)
    for _ in range(3):
        who(visitor)
    flush(client)
    assert rows("SELECT last_seen, expires_at FROM session") == before
    wait(0.6)
    who(visitor)
    flush(client)
    assert rows("SELECT last_seen, expires_at FROM session") != before


def test_how_long_can_be_set(client: TestClient, wait: Wait) -> None:
    configure(client, session_timeout=5)
    visitor = signed_in(client)
    wait(4)
    assert who(visitor, headers={"X-Harbor-No-Session-Renewal": "1"}) == "admin"
    wait(1.1)
    assert who(visitor) == ""


def test_a_shorter_time_counts_for_sessions_that_are_there(client: TestClient, wait: Wait) -> None:
    visitor = signed_in(client)
    configure(client, session_timeout=5)
    assert who(visitor) == "admin"
    wait(5.1)
    assert who(visitor) == ""


def test_even_the_longest_time_is_no_error(client: TestClient, wait: Wait) -> None:
    configure(client, session_timeout=9_999_999_999)
    visitor = signed_in(client)
    wait(300 * 24 * 60)
    assert who(visitor) == "admin"


def test_a_session_dies_with_its_account(client: TestClient, database_url: str) -> None:
    visitor = signed_in(client, make_user(client, "ann"))
    set_user(database_url, "ann", deleted=True)
    assert who(visitor) == ""


def test_a_row_of_an_account_that_is_gone_goes_too(
    client: TestClient, database_url: str, rows: Rows
) -> None:
    signed_in(client, make_user(client, "ann"))
    change(database_url, delete(User).where(User.username == "ann"))
    assert count(rows) == 0


def test_rights_are_those_of_now(client: TestClient, database_url: str) -> None:
    visitor = signed_in(client, make_user(client, "boss"))
    for is_admin, status in ((True, 200), (False, 403)):
        set_user(database_url, "boss", sysadmin_flag=is_admin)
        assert visitor.get(f"{API}/configurations").status_code == status


def test_a_session_dies_when_the_password_is_changed_on_the_command_line(
    client: TestClient, settings: Settings
) -> None:
    visitor = signed_in(client, make_user(client, "ann"))
    asyncio.run(maintenance.reset_password(settings, "ann", OTHER))
    assert who(visitor) == ""
    assert who(signed_in(client, ("ann", OTHER))) == "ann"


def test_a_session_dies_although_the_new_password_is_the_old_one(
    client: TestClient, settings: Settings
) -> None:
    visitor = signed_in(client, make_user(client, "ann"))
    asyncio.run(maintenance.reset_password(settings, "ann", PASSWORD))
    assert who(visitor) == ""


def test_a_session_outlives_that_its_password_gets_a_better_hash(
    client: TestClient, database_url: str
) -> None:
    make_user(client, "old")
    set_hash(lambda *each: change(database_url, *each), "old", harbor_hash("sha256", OTHER))
    visitor = signed_in(client, ("old", OTHER))
    assert who(visitor) == "old"
    assert who(signed_in(client, ("old", OTHER))) == "old"
    assert who(visitor) == "old"


def test_somebody_who_signs_in_too_often_loses_the_oldest_sessions(
    client: TestClient, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = make_user(client, "ann")
    other, first = signed_in(client), signed_in(client, ann)
    for _ in range(sessions.MAX_EACH):
        last = signed_in(client, ann)
    assert rows("SELECT COUNT(*) FROM session WHERE user_id = 3") == [(sessions.MAX_EACH,)]
    assert [who(each) for each in (other, first, last)] == ["admin", "", "ann"]


def test_sessions_that_are_over_are_forgotten(
    client: TestClient, rows: Rows, database_url: str
) -> None:
    signed_in(client)
    signed_in(client)
    past = clock.now() - timedelta(seconds=1)
    first = rows("SELECT MIN(id) FROM session")[0][0]
    change(database_url, update(Session).where(Session.id == first).values(expires_at=past))
    building = client.app
    assert isinstance(building, Building)
    in_server(client, jobs.sweep, building.db)
    assert count(rows) == 1


def test_they_are_forgotten_when_the_server_starts(
    start: Start, rows: Rows, database_url: str
) -> None:
    signed_in(start())
    past = clock.now() - timedelta(seconds=1)
    change(database_url, update(Session).values(expires_at=past))
    until(start(), lambda: count(rows), 0)


def test_it_is_kept_where_somebody_signed_in(client: TestClient, rows: Rows) -> None:
    visitor = browser(client, client=("2001:db8::" + "f" * 100, 1))
    sign_in(visitor, ADMIN, headers={"User-Agent": b"\xe9" * 400})
    ((address, user_agent),) = rows("SELECT address, user_agent FROM session")
    assert (len(address), len(user_agent)) == (64, 255)
