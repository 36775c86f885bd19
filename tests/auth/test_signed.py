"""Our own tokens as text: there is one text for each, and only our key makes it."""

import base64

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from harbor.auth import signed

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CLAIMS: dict[str, object] = {"sub": "jürgen", "exp": 1}
TOKEN = signed.sign(CLAIMS, "our:key", KEY)
HEADER, BODY, SIGNATURE = TOKEN.split(".")


def header(**named: object) -> str:
    return signed.encoded(msgspec.json.encode({"alg": "RS256", "kid": "our:key"} | named))


def test_what_is_signed_comes_out_again() -> None:
    assert signed.key_named_in(TOKEN) == "our:key"
    assert msgspec.json.decode(signed.claims_of(TOKEN, KEY)) == CLAIMS
    assert not set("+/=") & set(TOKEN)


def test_another_key_did_not_sign_it() -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(ValueError, match="signature"):
        signed.claims_of(TOKEN, other)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        HEADER,
        f"{HEADER}.{BODY}",
        f"{HEADER}.{BODY}.",
        f"{HEADER}..{SIGNATURE}",
        f"{HEADER}.{BODY}.{SIGNATURE}.",
        f"{HEADER}.{BODY}.{SIGNATURE}.{SIGNATURE}",
        f"{HEADER}.{BODY}.{SIGNATURE}=",
        f"{HEADER}.{BODY}.{SIGNATURE}\n",
        f"{HEADER}.{BODY}.{SIGNATURE[:-1]}",
        f"{HEADER}.{BODY}.{SIGNATURE[:9]}+{SIGNATURE[10:]}",
        f"{HEADER}.{BODY}A.{SIGNATURE}",
        f"{BODY}.{HEADER}.{SIGNATURE}",
    ],
)
def test_no_other_text_is_that_token(token: str) -> None:
    with pytest.raises(ValueError, match=r"base64|signature|parts"):
        signed.claims_of(token, KEY)


def test_a_signature_is_not_written_in_two_ways() -> None:
    # 256 bytes are 342 characters, of which the last has four bits that mean nothing.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = letters[letters.index(SIGNATURE[-1]) ^ 1]
    same = base64.urlsafe_b64decode(f"{SIGNATURE[:-1]}{last}==")
    assert same == base64.urlsafe_b64decode(f"{SIGNATURE}==")
    with pytest.raises(ValueError, match="base64url"):
        signed.claims_of(f"{HEADER}.{BODY}.{SIGNATURE[:-1]}{last}", KEY)


@pytest.mark.parametrize(
    "told",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS512"},
        {"alg": None},
        {"kid": None},
        {"crit": []},
        {"crit": ["exp"], "exp": 1},
        {"crit": None},
    ],
)
def test_a_header_that_asks_for_something_else_names_no_key(told: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        signed.key_named_in(f"{header(**told)}.{BODY}.{SIGNATURE}")


def test_a_key_inside_the_header_is_not_looked_at() -> None:
    assert signed.key_named_in(header(jwk={"kty": "oct", "k": "AA"}) + ".x.y") == "our:key"
