"""Wrong passwords at a server of several processes: one count, which outlives them all."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx2
import pytest

from harbor.auth.guesses import WITHIN_S
from harbor.auth.lockout import PAIR
from tests.crash.conftest import MakeServer
from tests.crash.server import PASSWORD, Server
from tests.make import API, Login

pytestmark = pytest.mark.crash
ADMIN, ANN = ("admin", PASSWORD), ("ann", "Ann-Passw0rd")
LOCKS = f"{API}/users/lockouts"
DELAY_S, GUESSING_S, GUESSERS = 0.5, 6.0, 8
# In these seconds one process looks at six guesses: after 0, 0.5, 1, 1.5, 2.5 and 4.5 s. Before
# they know of each other, each of two may look at those that are free.
MOST = 2 * PAIR.free + 2


def ask(server: Server, login: Login, path: str = "/v2/", **more: Any) -> httpx2.Response:
    """Over a connection of its own, which any process may take."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=30) as client:
        return client.request(more.pop("method", "GET"), path, auth=login, **more)


def guess(server: Server, until: float) -> None:
    while time.monotonic() < until:
        assert ask(server, (ANN[0], "wrong")).status_code == 401
        time.sleep(0.05)


def counted(server: Server) -> int:
    (count,) = [each["wrong"] for each in ask(server, ADMIN, LOCKS).json() if each["address"]]
    return int(count)


def test_many_processes_give_no_more_guesses_and_a_restart_forgives_none(
    make_server: MakeServer,
) -> None:
    server = make_server(workers=2, failed_login_delay_s=DELAY_S)
    server.start()
    body = {"username": ANN[0], "password": ANN[1], "realname": "Ann", "email": "a@example.com"}
    made = ask(server, ADMIN, f"{API}/users", method="POST", json=body)
    assert made.status_code == 201, made.text
    until = time.monotonic() + GUESSING_S
    with ThreadPoolExecutor(GUESSERS) as pool:
        list(pool.map(partial(guess, server), [until] * GUESSERS))
    time.sleep(1.5)  # each process tells what it has seen
    before = counted(server)
    assert PAIR.free < before <= MOST
    server.kill()
    server.start()
    assert counted(server) == before
    which = {"name": ANN[0], "address": "127.0.0.1"}
    assert ask(server, ADMIN, LOCKS, method="DELETE", params=which).status_code == 200
    time.sleep(WITHIN_S)
    assert {ask(server, ANN).status_code for _ in range(20)} == {200}
