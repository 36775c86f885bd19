"""Forged, stale and foreign tokens: each is refused, whichever way it lies."""

import asyncio
import base64
import hashlib
import hmac
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.crash.client import Answer, Client, push_image, sha256
from tests.crash.conftest import servers
from tests.crash.hostile import TIMEOUT_S, check, nothing_stored
from tests.crash.server import PASSWORD, Server

pytestmark = pytest.mark.crash
REPOSITORY = "library/tokens"
SECRET = "the secret key of this test"
KEYS = "SELECT kid, private_pem FROM signing_key"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class Signer:
    kid: str
    key: rsa.RSAPrivateKey

    def sign(self, header: object, claims: object) -> str:
        """A token with a right signature, whatever it says."""
        text = f"{b64(dumped(header))}.{b64(dumped(claims))}"
        return f"{text}.{b64(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    @property
    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def jwk(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        n = numbers.n.to_bytes(256, "big")
        return {"kty": "RSA", "n": b64(n), "e": "AQAB", "kid": self.kid, "alg": "RS256"}


def dumped(document: object) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def hs256(secret: bytes, header: object, claims: object) -> str:
    text = f"{b64(dumped(header))}.{b64(dumped(claims))}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("tokens")
    with servers(folder) as make:
        made = make(secret_key=SECRET, failed_login_delay_s=0)
        made.start()
        with Client(made.port) as client:
            push_image(client, REPOSITORY, "v1", b"a layer")
            for name in ("private", "others"):
                body = json.dumps({"project_name": name, "metadata": {"public": "false"}}).encode()
                told = {"Content-Type": "application/json"}
                assert client.call("POST", "/api/v2.0/projects", body, told).status == 201
                push_image(client, f"{name}/app", "v1", b"a layer")
        yield made


@pytest.fixture(scope="module")
def signer(server: Server) -> Signer:
    """The key of the server itself, so that a forged token is wrong in one thing only."""
    kid, closed = key_row(server)
    box = Fernet(base64.urlsafe_b64encode(hashlib.sha256(SECRET.encode()).digest()))
    key = serialization.load_pem_private_key(box.decrypt(closed.encode()), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return Signer(kid, key)


def key_row(server: Server) -> tuple[str, str]:
    url = server.settings["HARBOR_DATABASE_URL"]
    if url:

        async def read() -> asyncpg.Record:
            connection = await asyncpg.connect(url)
            try:
                return await connection.fetchrow(KEYS)
            finally:
                await connection.close()

        row = asyncio.run(read())
    else:
        with closing(sqlite3.connect(server.data / "harbor.db")) as database:
            row = database.execute(KEYS).fetchone()
    return str(row[0]), str(row[1])


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    access = [{"type": "repository", "name": "private/app", "actions": ["pull", "push", "delete"]}]
    told = {
        "iss": "harbor-token-issuer",
        "sub": "admin",
        "aud": "harbor-registry",
        "exp": now + 600,
        "nbf": now,
        "iat": now,
        "jti": "x",
        "access": access,
    } | more
    return {name: value for name, value in told.items() if value is not LEFT_OUT}


LEFT_OUT = object()
NOW = int(time.time())
BAD_CLAIMS: dict[str, Mapping[str, Any]] = {
    "expired": {"exp": NOW - 3600},
    "expired long ago": {"exp": 1},
    "negative exp": {"exp": -1},
    "exp as text": {"exp": str(NOW + 600)},
    "exp as true": {"exp": True},
    "no exp": {"exp": LEFT_OUT},
    "exp null": {"exp": None},
    "not yet": {"nbf": NOW + 3600},
    "no nbf": {"nbf": LEFT_OUT},
    "no iat": {"iat": LEFT_OUT},
    "iat in the future": {"iat": NOW + 3600},
    "iat huge": {"iat": 10**18},
    "iat before the project": {"iat": 1},
    "iat negative": {"iat": -(10**18)},
    "other audience": {"aud": "other-registry"},
    "a list of audiences": {"aud": ["harbor-registry", "x"]},
    "no audience": {"aud": LEFT_OUT},
    "other issuer": {"iss": "somebody"},
    "no issuer": {"iss": LEFT_OUT},
    "no access": {"access": []},
    "access no list": {"access": "repository:private/app:pull"},
    "access null": {"access": None},
    "access of nothing": {"access": [{}]},
    "other project": {
        "access": [{"type": "repository", "name": "others/app", "actions": ["pull", "push"]}]
    },
    "prefix of a project": {
        "access": [{"type": "repository", "name": "privat", "actions": ["pull", "push"]}]
    },
    "star": {"access": [{"type": "repository", "name": "*", "actions": ["*"]}]},
    "no action": {"access": [{"type": "repository", "name": "private/app", "actions": []}]},
    "other type": {"access": [{"type": "registry", "name": "private/app", "actions": ["pull"]}]},
    "subject no text": {"sub": ["admin"]},
}


def ask(server: Server, token: str, path: str = "/v2/private/app/manifests/v1") -> Answer:
    with Client(server.port, None, timeout_s=TIMEOUT_S) as client:
        answer = client.call("GET", path, None, {"Authorization": f"Bearer {token}"})
    check(answer, path=path)
    return answer


def header(signer: Signer, **more: Any) -> dict[str, Any]:
    told = {"alg": "RS256", "typ": "JWT", "kid": signer.kid} | more
    return {name: value for name, value in told.items() if value is not LEFT_OUT}


def test_a_right_token_is_let_in(server: Server, signer: Signer) -> None:
    """Or the tests below would prove nothing."""
    assert ask(server, signer.sign(header(signer), claims())).status == 200


@pytest.mark.parametrize("name", BAD_CLAIMS)
def test_wrong_claims_are_refused(server: Server, signer: Signer, name: str) -> None:
    token = signer.sign(header(signer), claims(**BAD_CLAIMS[name]))
    for _ in range(2):  # nor may it be remembered as a good one
        assert ask(server, token).status == 401


ALGORITHMS: tuple[object, ...] = (
    "none",
    "None",
    "NONE",
    "nOnE",
    "",
    None,
    "RS1",
    "RS512",
    "ES256",
    "x",
    1,
    [],
)


def forgeries(signer: Signer) -> Iterator[tuple[str, str]]:
    other = Signer("other", rsa.generate_private_key(65537, 2048))
    good = signer.sign(header(signer), claims())
    head, body, signature = good.split(".")
    yield "other key, our kid", other.sign(header(signer), claims())
    yield "other key, its kid", other.sign(header(other), claims())
    for kid in ("../../../../dev/null", "/etc/passwd", "' OR 1=1 --", "", "x" * 5000, 7, None, True,
                [], {}, [signer.kid], {signer.kid: 1}, "\0", LEFT_OUT):  # fmt: skip
        yield f"kid {kid!r:.30}", other.sign(header(signer, kid=kid), claims())
    embedded = {
        "jwk": other.jwk,
        "jku": "http://127.0.0.1:1/keys",
        "x5u": "http://127.0.0.1:1/cert",
        "x5c": [base64.b64encode(b"certificate").decode()],
        "x5t": "x",
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
    }
    for name, value in embedded.items():
        yield f"{name} in the header", other.sign(header(signer, **{name: value}), claims())
    yield (
        "jwk with our kid",
        other.sign(header(signer, jwk=other.jwk | {"kid": signer.kid}), claims()),
    )
    for algorithm in ALGORITHMS:
        told = header(signer, alg=algorithm)
        yield f"alg {algorithm} unsigned", f"{b64(dumped(told))}.{b64(dumped(claims()))}."
        yield f"alg {algorithm} signed", other.sign(told, claims())
    der = signer.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (signer.public_pem, signer.public_pem.strip(), der, b"", SECRET.encode()):
        for algorithm in ("HS256", "RS256"):
            token = hs256(secret, header(signer, alg=algorithm), claims())
            yield f"{algorithm} with {secret[:20]!r}", token
    yield "no signature", f"{head}.{body}."
    yield "two parts", f"{head}.{body}"
    yield "four parts", f"{good}.{signature}"
    yield "five parts", f"{good}.{signature}.{signature}"
    yield "a bit of the signature", f"{head}.{body}.{signature[:-4]}"
    yield "a bit flipped", f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    yield "other claims", f"{head}.{b64(dumped(claims(sub='x')))}.{signature}"
    yield "not base64", f"{head}!.{body}.{signature}"
    yield "newline", f"{head}.{body}.{signature} x"
    for raw in (b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 15_000, b'{"a":' * 3000,
                b'{"kid":' + b"[" * 15_000, b'{"kid":1e999}', b"9" * 15_000):  # fmt: skip
        yield f"header {raw[:20]!r}", signer.sign(raw, claims())
        yield f"claims {raw[:20]!r}", signer.sign(header(signer), raw)
    yield "an object in the claims", signer.sign(header(signer), {"access": {"a": {"b": []}}})


def test_forged_tokens_are_refused(server: Server, signer: Signer) -> None:
    count, told = 0, []
    with nothing_stored(server):
        for name, token in forgeries(signer):
            try:
                assert ask(server, token).status == 401
            except AssertionError as error:
                told.append(f"{name}: {error}")
            count += 1
    print(f"{count} forgeries")
    assert told == []


def test_a_token_allows_what_it_says_and_no_more(server: Server, signer: Signer) -> None:
    access = [{"type": "repository", "name": "private/app", "actions": ["pull"]}]
    token = signer.sign(header(signer), claims(access=access))
    bearer = {"Authorization": f"Bearer {token}"}
    manifest = "/v2/private/app/manifests/v1"
    blob = f"/v2/private/app/blobs/{sha256(b'a layer')}"
    with nothing_stored(server), Client(server.port, None, timeout_s=TIMEOUT_S) as client:
        assert client.call("GET", manifest, None, bearer).status == 200
        assert client.call("GET", blob, None, bearer).status == 200
        for method, path in (
            ("POST", "/v2/private/app/blobs/uploads/"),
            ("POST", f"/v2/private/app/blobs/uploads/?mount={sha256(b'a layer')}&from=others/app"),
            ("PUT", manifest),
            ("DELETE", manifest),
            ("DELETE", blob),
            ("GET", "/v2/others/app/manifests/v1"),
            ("GET", "/v2/_catalog"),
            ("GET", "/api/v2.0/users"),
            ("POST", "/api/v2.0/projects"),
            ("GET", "/service/token?service=harbor-registry"),
        ):
            answer = client.call(method, path, None, bearer)
            check(answer, path=path)
            assert answer.status in (401, 403, 405), (method, path, answer)


def test_two_authorizations_are_not_added_up(server: Server, signer: Signer) -> None:
    wrong = base64.b64encode(f"admin:not-{PASSWORD}".encode()).decode()
    with Client(server.port, None, timeout_s=TIMEOUT_S) as client:
        for said in (f"Bearer x, Basic {wrong}", f"Basic {wrong}, Bearer x", "Bearer Bearer x"):
            answer = client.call("GET", "/v2/", None, {"Authorization": said})
            check(answer)
            assert answer.status == 401
    assert signer.kid
