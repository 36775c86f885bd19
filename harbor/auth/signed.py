"""Our own tokens as signed text: by RS256 and nothing else, with our own keys.

A library for all of JOSE takes two megabytes; it is loaded where others' tokens are read.

Source: RFC 7515 "JSON Web Signature", 3.1 and 5; RFC 7518, 3.3; RFC 8725, 3.1.
"""

import base64
import re
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import UNSET, Struct, UnsetType

ALGORITHM = "RS256"
PART = re.compile(r"[A-Za-z0-9_-]+")


class Header(Struct):
    """What we read of a token's header before it is verified. A key inside it is never used."""

    alg: Literal["RS256"]
    kid: str
    crit: UnsetType = UNSET  # what must be understood; we understand nothing of it


def sign(claims: dict[str, object], kid: str, key: RSAPrivateKey) -> str:
    header = {"alg": ALGORITHM, "typ": "JWT", "kid": kid}
    text = f"{encoded(msgspec.json.encode(header))}.{encoded(msgspec.json.encode(claims))}"
    return f"{text}.{encoded(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def key_named_in(token: str) -> str:
    """The key id in the token's header, unchecked; ``ValueError`` if there is no such header."""
    return msgspec.json.decode(decoded(token.partition(".")[0]), type=Header).kid


def claims_of(token: str, key: RSAPrivateKey) -> bytes:
    """The claims of a token that *key* signed, as JSON; ``ValueError`` if it did not."""
    text, _, signature = token.rpartition(".")
    _, dot, claims = text.partition(".")
    if not dot or "." in claims:
        raise ValueError("a token has three parts")
    try:
        key.public_key().verify(decoded(signature), text.encode(), PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise ValueError("the signature is not right") from error
    return decoded(claims)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    """The bytes that *part* stands for; ``ValueError`` if it is not the one text for them."""
    if not PART.fullmatch(part):
        raise ValueError("this is not base64url")
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if encoded(raw) != part:
        raise ValueError("this is not base64url")
    return raw
