"""A real server in a thread, which tests speak to over a socket."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PATIENCE_S = 20  # for what must happen


@dataclass
class Server:
    server: uvicorn.Server
    port: int
    trust: ssl.SSLContext | None  # in its certificate, if it speaks TLS

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        return self.trust.wrap_socket(client, server_hostname="localhost") if self.trust else client


@contextmanager
def running(app: Any, http: Any, loop: str, **options: Any) -> Iterator[Server]:
    """Serve *app* by the protocol *http*; more *options* are those of ``uvicorn.Config``."""
    config = uvicorn.Config(app, http=http, loop=loop, lifespan="off", log_config=None, **options)
    server = uvicorn.Server(config)
    certificate = config.ssl_certfile
    trust = ssl.create_default_context(cafile=certificate) if certificate else None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # A daemon, because one that does not stop fails its test, and must not keep pytest.
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield Server(server, listener.getsockname()[1], trust)
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "the server does not stop"


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def make_certificate(path: Path) -> Path:
    """A certificate of ``localhost`` that nobody signed but itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string("CN=localhost")
    begin = datetime.now(UTC) - timedelta(hours=1)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(hours=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(pem, pkcs8, serialization.NoEncryption())
    path.write_bytes(secret + signed.public_bytes(pem))
    return path
