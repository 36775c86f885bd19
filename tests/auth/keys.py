"""The registry's signing keys, read from its database; and tokens made with them, or others."""

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from harbor.core import clock
from harbor.core.crypto import Box
from tests.conftest import SECRET
from tests.registry.servers import select

NEWEST = "SELECT private_pem FROM signing_key ORDER BY creation_time DESC"


def signing_key(database_url: str) -> rsa.RSAPrivateKey:
    """The key that signs now."""
    (pem,) = select(database_url, NEWEST)[0]
    key = serialization.load_pem_private_key(Box(SECRET).open(pem).encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_der(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def libtrust_id(key: rsa.RSAPrivateKey) -> str:
    """As docker/libtrust says: 240 bits of the hash, in base32, in groups of four."""
    text = base64.b32encode(hashlib.sha256(public_der(key)).digest()[:30]).decode().rstrip("=")
    return ":".join(text[at : at + 4] for at in range(0, len(text), 4))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unchecked."""
    header, claims, _ = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(claims))


def verify(token: str, key: rsa.RSAPrivateKey) -> None:
    """Raise ``InvalidSignature`` unless the token is signed by *key* with RS256."""
    signed, _, signature = token.rpartition(".")
    key.public_key().verify(unb64(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def sign(
    key: rsa.RSAPrivateKey,
    claims: dict[str, Any],
    header: dict[str, Any] | None = None,
    digest: hashes.HashAlgorithm | None = None,
) -> str:
    """A token made by hand, whatever its header claims."""
    head = {"alg": "RS256", "typ": "JWT", "kid": libtrust_id(key)} if header is None else header
    signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), digest or hashes.SHA256())
    return f"{signed}.{b64(signature)}"


def grant(repo: str, *actions: str) -> dict[str, Any]:
    return {"type": "repository", "class": "", "name": repo, "actions": list(actions)}


def claims_of(*access: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Claims as the registry itself makes them; those changed to ``None`` are left out."""
    now = int(clock.now().timestamp())
    claims = {
        "iss": "harbor-token-issuer",
        "sub": "ann",
        "aud": "harbor-registry",
        "exp": now + 1800,
        "nbf": now,
        "iat": now,
        "jti": "0123456789abcdef",
        "access": list(access),
    }
    return {name: value for name, value in (claims | changed).items() if value is not None}
