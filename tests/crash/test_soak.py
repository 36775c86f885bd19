"""Mixed load for a while: no failure, no wrong byte, and nothing that grows."""

import os
import random
import time

import pytest

from tests.crash.client import Client, expect
from tests.crash.conftest import MakeServer
from tests.crash.ledger import Ledger
from tests.crash.load import Load
from tests.crash.server import wait_until
from tests.crash.verify import Verifier

pytestmark = pytest.mark.crash
SECONDS = float(os.environ.get("HARBOR_SOAK_S", "20"))
SEED = int(os.environ.get("HARBOR_CRASH_SEED", str(random.SystemRandom().getrandbits(32))))
THREADS = 32
MB = 1_000_000


@pytest.mark.parametrize("workers", [1])
def test_a_busy_server_neither_errs_nor_grows(make_server: MakeServer, workers: int) -> None:
    print(f"HARBOR_CRASH_SEED={SEED}")
    server = make_server(workers=workers)
    server.start()
    with Client(server.port) as client:
        expect(client.get("/v2/"), 200)
    time.sleep(1)
    idle, cold = server.descriptors(), server.rss()
    warming, ledger = Ledger(), Ledger()
    with Load(server.port, warming, threads=THREADS, seed=SEED, prefix="library/warm"):
        time.sleep(SECONDS / 3)
    warm = server.rss()
    began = time.monotonic()
    with Load(server.port, ledger, threads=THREADS, seed=SEED + 1):
        time.sleep(SECONDS)
        busy = server.descriptors()
    took_s = time.monotonic() - began
    wait_until(lambda: server.descriptors() <= idle + 5, 30, "descriptors to be closed")
    after = server.rss()
    with Client(server.port) as client:
        found = Verifier(client, ledger, breaches=list(warming.oddities))
        found.check()
        found.resume()
    print(
        f"{ledger.done} acknowledged in {took_s:.0f} s at {THREADS}; {found.blobs} blobs, "
        f"{found.manifests} manifests; RSS {cold / MB:.0f} cold, {warm / MB:.0f} warm, "
        f"{after / MB:.0f} MB after; descriptors {idle} idle, {busy} busy, "
        f"{server.descriptors()} after; {len(found.breaches)} breaches"
    )
    assert found.breaches == []
    assert "Traceback" not in server.output()
    assert after <= 1.3 * warm
    assert after < 300 * MB * workers
    assert server.stop() == 0
