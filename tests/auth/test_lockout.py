"""Who has to wait after wrong passwords, and for how long. No server is needed for most of it."""

import html
import re
from typing import Any

from starlette.testclient import TestClient

from harbor.auth import lockout
from harbor.auth.lockout import ADDRESS, NAME, OWN_S, PAIR, Lockout, Told
from tests.auth.browsers import signed_in
from tests.conftest import Start
from tests.make import ADMIN, API, make_user
from tests.projects.pages import HTMX, told, words

HERE, THERE = "10.0.0.1", "10.0.0.2"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def made() -> tuple[Lockout, Clock]:
    clock = Clock()
    return Lockout(1.0, clock), clock


def waits(locks: Lockout, clock: Clock, name: str, address: str) -> int:
    """For how many seconds nothing is tried, the clock being moved by so many."""
    begun = clock.now
    while locks.is_locked(name, address):
        clock.now += 1
    return int(clock.now - begun)


def guess(locks: Lockout, clock: Clock, name: str, address: str) -> int:
    locks.wrong(name, address)
    return waits(locks, clock, name, address)


def test_each_wrong_password_makes_wait_longer_up_to_a_limit() -> None:
    locks, clock = made()
    assert [guess(locks, clock, "ann", HERE) for _ in range(6)] == [1, 1, 1, 2, 4, 8]
    assert max(guess(locks, clock, "ann", HERE) for _ in range(10)) <= PAIR.max_s


def test_a_right_password_makes_up_for_what_was_mistyped() -> None:
    locks, clock = made()
    for _ in range(5):
        guess(locks, clock, "ann", HERE)
    locks.right("ann", HERE)
    assert guess(locks, clock, "ann", HERE) == 1


def test_who_gives_up_for_an_hour_begins_anew() -> None:
    locks, clock = made()
    for _ in range(5):
        guess(locks, clock, "ann", HERE)
    clock.now += lockout.FORGET_S
    assert guess(locks, clock, "ann", HERE) == 1


def test_a_guesser_keeps_nobody_else_out() -> None:
    locks, _ = made()
    for _ in range(ADDRESS.free):
        locks.wrong("ann", HERE)
    assert locks.is_locked("ann", HERE)
    assert not locks.is_locked("ann", THERE)
    assert not locks.is_locked("bob", HERE)


def test_one_password_for_everybody_is_guessing_too() -> None:
    locks, clock = made()
    for number in range(ADDRESS.free):
        locks.wrong(f"user{number}", HERE)
    assert not locks.is_locked("another", HERE)
    locks.wrong("one more", HERE)
    assert locks.is_locked("another", HERE)
    assert not locks.is_locked("another", THERE)
    assert waits(locks, clock, "another", HERE) == 2


def test_an_own_account_is_no_licence_to_guess() -> None:
    locks, _ = made()
    for number in range(ADDRESS.free + 1):
        locks.wrong(f"user{number}", HERE)
        locks.right("eve", HERE)
    assert locks.is_locked("ann", HERE)


def test_many_machines_that_try_one_account_are_slowed_but_its_owner_is_not() -> None:
    locks, clock = made()
    locks.right("ann", HERE)
    for number in range(NAME.free + 30):
        locks.wrong("ann", f"10.1.0.{number}")
    assert locks.is_locked("ann", THERE)
    assert not locks.is_locked("ann", HERE)
    assert waits(locks, clock, "ann", THERE) <= NAME.max_s


def test_who_has_come_in_there_before_does_not_pay_for_neighbours() -> None:
    locks, _ = made()
    locks.right("ann", HERE)
    for number in range(ADDRESS.free + 5):
        locks.wrong(f"user{number}", HERE)
    assert not locks.is_locked("ann", HERE)


def test_names_of_other_capitals_are_no_other_guesses() -> None:
    locks, clock = made()
    assert [guess(locks, clock, name, HERE) for name in ("ann", "ANN", "Ann", "aNN")] == [
        1,
        1,
        1,
        2,
    ]
    locks.wrong("ann", HERE)
    assert locks.is_locked("ＡＮＮ", HERE)  # noqa: RUF001, as directories compare names
    assert locks.release((lockout.folded("Ann"), HERE))
    assert not locks.is_locked("ann", HERE)
    locks.right("ANN", HERE)
    assert guess(locks, clock, "ann", HERE) == 1


def test_what_is_remembered_is_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(lockout, "REMEMBERED", 5)
    locks, _ = made()
    for number in range(50):
        locks.wrong(f"user{number}", f"10.1.0.{number}")
        locks.right(f"known{number}", HERE)
    counted = [locks._pairs, locks._addresses, locks._names]
    assert [len(each.counts) for each in counted] == [5, 5, 5]
    assert len(locks._known) == 5
    assert locks.is_locked("user49", "10.1.0.49")


def test_what_others_have_counted_counts_here() -> None:
    locks, clock = made()
    key, now = ("ann", HERE), clock.now
    locks.learn("ann", HERE, [Told(key, 9, now, now + 60, None)])
    assert waits(locks, clock, "ann", HERE) == 60
    assert guess(locks, clock, "ann", HERE) == 2 ** (10 - PAIR.free)
    clock.now += OWN_S
    locks.learn("ann", HERE, [])
    assert guess(locks, clock, "ann", HERE) == 1


def test_what_was_counted_here_a_moment_ago_is_not_forgotten_for_an_older_answer() -> None:
    locks, clock = made()
    locks.wrong("ann", HERE)
    locks.learn("ann", HERE, [])
    assert locks.is_locked("ann", HERE)
    locks.learn("ann", HERE, [Told(("ann", HERE), 5, clock.now, clock.now + 9, None)])
    assert waits(locks, clock, "ann", HERE) == 9


def test_a_clock_that_was_wrong_locks_nobody_for_longer_than_a_guesser_is() -> None:
    locks, clock = made()
    year = 365 * 24 * 3600
    locks.learn("ann", HERE, [Told(("ann", HERE), 1, clock.now, clock.now + year, None)])
    assert waits(locks, clock, "ann", HERE) == PAIR.max_s


def test_who_came_in_elsewhere_does_not_pay_for_neighbours_here() -> None:
    locks, clock = made()
    for number in range(ADDRESS.free + 5):
        locks.wrong(f"user{number}", HERE)
    assert locks.is_locked("ann", HERE)
    locks.learn("ann", HERE, [Told(("ann", HERE), 0, clock.now, clock.now, clock.now)])
    assert not locks.is_locked("ann", HERE)


def test_names_that_no_database_takes_are_counted_all_the_same() -> None:
    locks, _ = made()
    for name in ("nul\0", "\ud800", "\ufdfa" * 255):
        locks.wrong(name, "a" * 100)
        assert locks.is_locked(name, "a" * 100)
        for key in lockout.keys_of(name, "a" * 100):
            assert len(key[0].encode()) <= 4 * lockout.MAX_NAME
            assert "\0" not in key[0]
            assert len(key[1]) <= lockout.MAX_ADDRESS


def lockouts(client: TestClient) -> list[tuple[str, str, int]]:
    found = client.get(f"{API}/users/lockouts", auth=ADMIN).json()
    return [(each["name"], each["address"], each["wrong"]) for each in found]


def release(client: TestClient, name: str) -> int:
    which = {"name": name, "address": "testclient"}
    return client.delete(f"{API}/users/lockouts", params=which, auth=ADMIN).status_code


def test_an_administrator_sees_who_is_locked_and_lets_them_in(start: Start) -> None:
    client = start(failed_login_delay_s=0.001)
    ann = make_user(client, "ann")
    locks = client.app.known.accounts.lockout  # type: ignore[attr-defined]
    locks.here.delay_s = 60.0
    assert client.get("/v2/", auth=("ann", "wrong")).status_code == 401
    assert client.get("/v2/", auth=("nobody", "wrong")).status_code == 401
    assert lockouts(client) == [("nobody", "testclient", 1), ("ann", "testclient", 1)]
    assert client.get("/v2/", auth=ann).status_code == 401
    assert release(client, "ann") == 200
    assert client.get("/v2/", auth=ann).status_code == 200
    assert lockouts(client) == [("nobody", "testclient", 1)]
    assert release(client, "ann") == 404
    boss = signed_in(client)
    found = re.search(
        r"/harbor/users/locked/release\?[^\"]+", boss.get("/harbor/users/locked").text
    )
    assert found
    asked = boss.get(html.unescape(found[0]), headers=HTMX)
    assert "nobody · testclient" in words(asked)
    which = {"name": "nobody", "address": "testclient"}
    own = HTMX | {"Sec-Fetch-Site": "same-origin"}
    assert told(boss.post("/harbor/users/locked/release", data=which, headers=own))["said"]
    assert not lockouts(client)
