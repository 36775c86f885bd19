"""The two registries, and how each is started and gives its tokens."""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from benchmarks.processes import SERVER_CORE, Failed, Process, pinned, start
from tests.crash.client import Answer, Body, Client, Cut
from tests.crash.server import PASSWORD, free_port

TOOLS = Path(__file__).parents[1] / ".tools" / "bin"
PEER_PROGRAM = TOOLS / "harbor-bench-peer"
HARBOR = Path(sys.executable).with_name("harbor")
REPOSITORY = "library/bench"
ISSUER = SERVICE = "benchmarks"
TOKEN_LIFE_S = 20 * 60  # ours live thirty minutes


@dataclass(frozen=True)
class Side:
    """One of the two that are compared."""

    name: str
    is_ours: bool
    workers: int = 1
    pinned: bool = True
    tokens: bool = True


@dataclass
class Registry:
    """A running registry with a data folder of its own."""

    side: Side
    port: int
    process: Process
    keys: "Keys"
    _token: tuple[float, str] = (-float("inf"), "")
    # What was pushed to be read, if anything.
    blobs: list[str] = field(default_factory=list)  # digests
    manifests: list[str] = field(default_factory=list)  # digests
    big: str = ""  # path of a big blob
    has_image: bool = False

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def token(self) -> str:
        """A token that lives for some minutes more."""
        asked_at, token = self._token
        if time.monotonic() - asked_at > TOKEN_LIFE_S:
            scope = f"repository:{REPOSITORY}:pull,push"
            token = Client(self.port).token(scope) if self.side.is_ours else self.keys.token()
            self._token = time.monotonic(), token
        return token

    def client(self) -> "BearerClient":
        return BearerClient(self.port, None, bearer=self.token())

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            self.process.check_alive()
            try:
                with Client(self.port, None, timeout_s=5) as client:
                    if client.get("/v2/").status == (401 if self.side.tokens else 200):
                        return
            except Cut:
                pass
            if time.monotonic() > deadline:
                raise Failed(f"{self.side.name} does not answer:\n{self.process.output()}")
            time.sleep(0.02)


@dataclass
class BearerClient(Client):
    """The tests' client, with a token in the place of a password."""

    bearer: str = ""

    def call(
        self,
        method: str,
        path: str,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        bearer = {"Authorization": f"Bearer {self.bearer}"}
        return super().call(method, path, body, bearer | dict(headers or {}))


class Keys:
    """A key with a certificate, and tokens for the peer that are signed with it."""

    def __init__(self, folder: Path) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = folder / "token.crt"
        self.certificate.write_bytes(certificate_of(key).public_bytes(serialization.Encoding.PEM))
        self._jwk = RSAKey.import_key(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": "admin",
            "aud": SERVICE,
            "exp": now + 3600,
            "nbf": now,
            "iat": now,
            "jti": "1",
            "access": [{"type": "repository", "name": REPOSITORY, "actions": ["pull", "push"]}],
        }
        # A key id, and no x5c: the peer would check the chain of certificates for every request.
        header = {"alg": "RS256", "typ": "JWT", "kid": self._jwk.thumbprint()}
        return jwt.encode(header, claims, self._jwk, algorithms=["RS256"])


def certificate_of(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmarks")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .sign(key, hashes.SHA256())
    )


def launch(side: Side, folder: Path, keys: Keys, more: Mapping[str, str] | None = None) -> Registry:
    """Start a registry on a new *folder*, with *more* settings, and wait until it answers."""
    folder.mkdir(parents=True)
    port = free_port()
    command, settings = ours(side, folder, port) if side.is_ours else peer(side, folder, port, keys)
    clean = {name: text for name, text in os.environ.items() if not is_setting(name)}
    process = start(
        pinned(SERVER_CORE, command) if side.pinned else command,
        clean | dict(settings) | dict(more or {}),
        folder.with_name(folder.name + ".log"),
    )
    registry = Registry(side, port, process, keys)
    try:
        registry.wait_ready()
    except BaseException:
        process.stop()
        raise
    return registry


def is_setting(name: str) -> bool:
    """Whether a variable could change how one of the registries works."""
    return name.startswith(("HARBOR_", "REGISTRY_", "OTEL_", "GO", "PYTHON", "MALLOC_"))


def ours(side: Side, folder: Path, port: int) -> tuple[list[str], Mapping[str, str]]:
    options = ["--data-dir", str(folder), "--port", str(port), "--workers", str(side.workers)]
    return [str(HARBOR), "serve", *options], {"HARBOR_ADMIN_PASSWORD": PASSWORD}


def peer(side: Side, folder: Path, port: int, keys: Keys) -> tuple[list[str], Mapping[str, str]]:
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(folder)},
            "cache": {"blobdescriptor": "inmemory"},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {"addr": f"127.0.0.1:{port}", "secret": "benchmarks"},
    }
    if side.tokens:
        config["auth"] = {
            "token": {
                "realm": "http://127.0.0.1/token",
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(keys.certificate),
            }
        }
    file = folder.with_name(folder.name + ".yml")
    file.write_text(json.dumps(config))  # JSON is YAML too
    # Without the variable it would try to send traces to a collector that is not there.
    return [str(PEER_PROGRAM), "serve", str(file)], {"OTEL_TRACES_EXPORTER": "none"}
