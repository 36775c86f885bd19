"""A certified OpenID provider, written by others, as a process of its own."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

HERE = Path(__file__).parent
TOOLS = HERE.parents[2] / ".tools" / "identity"
CLIENT = ("harbor", "the-secret-of-the-client")
PATIENCE_S = 60


@contextmanager
def running(port: int, registry: str) -> Iterator[str]:
    """The issuer's address; only that *registry* is its client."""
    assert (TOOLS / ".installed").exists(), "the provider is missing: run make browser"
    program = shutil.copy(HERE / "provider.js", TOOLS)
    issuer = f"http://127.0.0.1:{port}"
    with subprocess.Popen(["node", program, issuer, registry]) as process:
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not is_ready(issuer):
                assert process.poll() is None, "the provider has ended"
                assert time.monotonic() < deadline, "the provider does not answer"
                time.sleep(0.05)
            yield issuer
        finally:
            process.terminate()


def is_ready(issuer: str) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        return httpx2.get(f"{issuer}/.well-known/openid-configuration").is_success
    return False
