"""A security key made of software, and the browser in front of it."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def text_of(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Authenticator:
    """Makes one passkey, and signs with it whatever it is asked to, at whatever site."""

    origin: str
    host: str
    count: int = 0
    counts: bool = True
    sees: bool = True  # who uses it
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def make(self, options: dict[str, Any]) -> str:
        """What ``navigator.credentials.create()`` gives."""
        numbers = self.key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + cbor2.dumps(key)
        made = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + attested}
        client = self._client("webauthn.create", options)
        return self._said(client, attestationObject=cbor2.dumps(made))

    def sign(self, options: dict[str, Any]) -> str:
        """What ``navigator.credentials.get()`` gives."""
        client, data = self._client("webauthn.get", options), self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._said(client, authenticatorData=data, signature=signature)

    def _data(self, flags: int) -> bytes:
        self.count += self.counts
        flags |= PRESENT | VERIFIED * self.sees
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(said).encode()

    def _said(self, client: bytes, **response: bytes) -> str:
        parts = {"clientDataJSON": client} | response
        return json.dumps(
            {
                "id": text_of(self.id),
                "rawId": text_of(self.id),
                "type": "public-key",
                "response": {name: text_of(raw) for name, raw in parts.items()},
                "clientExtensionResults": {},
            }
        )
