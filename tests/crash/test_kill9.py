"""Kill -9 at any moment: what was acknowledged is there, what was deleted stays away."""

import os
import random
import time

import pytest

from tests.crash.client import Client
from tests.crash.conftest import MakeServer
from tests.crash.ledger import Ledger
from tests.crash.load import Load
from tests.crash.server import Server, pids_of, wait_until
from tests.crash.verify import Verifier

pytestmark = pytest.mark.crash
ROUNDS = int(os.environ.get("HARBOR_CRASH_ROUNDS", "6"))
SEED = int(os.environ.get("HARBOR_CRASH_SEED", str(random.SystemRandom().getrandbits(32))))
THREADS = 8


def round_of(server: Server, number: int, *, only_parent: bool = False) -> Verifier:
    """Push, kill, start, verify, push again; the server runs before and after."""
    ledger = Ledger()
    seed = SEED + number
    with Load(server.port, ledger, threads=THREADS, seed=seed, prefix=f"library/r{number}"):
        time.sleep(random.Random(seed).uniform(0.5, 3.0))
        before = server.pid
        if only_parent:
            server.kill_parent()
        else:
            server.kill()
    took_s = server.start()
    wait_until(lambda: not pids_of(before), 30, "the old workers to end")
    server.wait_ready()  # an old worker may have answered on its way out
    with Client(server.port) as client:
        found = Verifier(client, ledger)
        found.check()
        found.resume()
        again = found.push_again()
        found.check()
    print(
        f"round {number}, seed {seed}: {ledger.done} acknowledged, {found.blobs // 2} blobs, "
        f"{found.manifests // 2} manifests, {found.sessions} sessions resumed, "
        f"{again} pushed again, ready in {took_s:.2f} s, {len(found.breaches)} breaches"
    )
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_acknowledged_is_lost_by_a_kill(make_server: MakeServer, workers: int) -> None:
    print(f"HARBOR_CRASH_SEED={SEED}")
    server = make_server(workers=workers)
    server.start()
    breaches = []
    for number in range(ROUNDS if workers == 1 else (ROUNDS + 2) // 3):
        breaches += round_of(server, number).breaches
    assert breaches == []


def test_a_killed_parent_takes_its_workers_along(make_server: MakeServer) -> None:
    server = make_server(workers=2, shutdown_s=2)
    server.start()
    assert round_of(server, 1000, only_parent=True).breaches == []
