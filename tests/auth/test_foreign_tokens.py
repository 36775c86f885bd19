"""Tokens that others signed: every way in which one may lie."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from harbor.auth.oidc import tokens
from harbor.auth.oidc.tokens import NoSuchKey, TokenInvalid, check_sign_in, imported, verified
from harbor.core import clock
from tests.auth.keys import b64

ISSUER, CLIENT = "https://id.example.org", "harbor"
OURS = ECKey.generate_key("P-256", {"kid": "1"})
THEIRS = ECKey.generate_key("P-256", {"kid": "1"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
KEYS = imported([OURS.as_dict(private=False), RSA.as_dict(private=False)])


def claims_of(**changed: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    claims = {"iss": ISSUER, "sub": "7", "aud": CLIENT, "iat": now, "exp": now + 300}
    return {name: value for name, value in (claims | changed).items() if value is not None}


def signed(claims: dict[str, Any], header: dict[str, Any] | None = None, key: Any = OURS) -> str:
    return jwt.encode({"alg": "ES256", "kid": "1"} | (header or {}), claims, key)


def by_hand(header: dict[str, Any], signature: bytes = b"", key: bytes = b"") -> str:
    text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims_of()).encode())}"
    made = hmac.digest(key, text.encode(), hashlib.sha256) if key else signature
    return f"{text}.{b64(made)}"


def read(token: str, **more: Any) -> dict[str, Any]:
    return verified(token, KEYS, issuer=ISSUER, audience=CLIENT, **more)


def test_a_good_token_is_read() -> None:
    assert read(signed(claims_of()))["sub"] == "7"
    assert read(signed(claims_of(), {"alg": "RS256", "kid": "rsa"}, RSA))["sub"] == "7"
    assert read(signed(claims_of(aud=["other", CLIENT])))["sub"] == "7"


def test_algorithms_are_not_confused() -> None:
    public = RSA.as_pem(private=False)
    attacks = [
        by_hand({"alg": "none"}),
        by_hand({"alg": "None", "kid": "1"}),
        by_hand({"alg": "HS256", "kid": "rsa"}, key=public),
        by_hand({"alg": "HS256", "kid": "1"}, key=OURS.as_pem(private=False)),
        by_hand({"alg": "RS256", "kid": "1"}, b"x" * 256),  # the kind of another key
        by_hand({"alg": "ES256", "kid": "1"}, b"\0" * 64),  # CVE-2022-21449
        by_hand({"alg": "ES256", "kid": "1", "crit": ["b64"], "b64": False}, b"\1" * 64),
    ]
    for token in attacks:
        with pytest.raises(TokenInvalid):
            read(token)
    with pytest.raises(TokenInvalid, match="does not sign by that"):
        read(signed(claims_of()), only=["RS256"])


def test_the_token_does_not_choose_its_key() -> None:
    public = THEIRS.as_dict(private=False)
    own = {"alg": "ES256", "jwk": public}
    places = {"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert"}
    for header in (own, own | {"kid": "1"}, places | {"kid": "1"}):
        with pytest.raises(TokenInvalid, match="signature"):
            read(signed(claims_of(), header, THEIRS))
    with pytest.raises(NoSuchKey):
        read(signed(claims_of(), {"kid": "../../dev/null"}, THEIRS))


def test_only_public_keys_for_signatures_are_taken() -> None:
    secret = OctKey.generate_key(256).as_dict(private=True)
    private, encrypts = OURS.as_dict(private=True), OURS.as_dict(private=False) | {"use": "enc"}
    broken: list[object] = [{"kty": "RSA", "n": "!"}, {"kty": "EC"}, "key", None, {"kty": "new"}]
    assert imported([secret, private, encrypts, *broken]) == []


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": ISSUER + "/"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "other"}, "somebody else"),
        ({"aud": ["other"]}, "somebody else"),
        ({"aud": {CLIENT: 1}}, "somebody else"),
        ({"aud": None}, "somebody else"),
        ({"sub": None}, "nobody"),
        ({"sub": ""}, "nobody"),
        ({"sub": 7}, "nobody"),
        ({"sub": "x" * 256}, "nobody"),
        ({"sub": "a\0b"}, "nobody"),
        ({"exp": None}, "no exp"),
        ({"exp": "tomorrow"}, "no exp"),
        ({"exp": True}, "no exp"),
        ({"exp": 1}, "expired"),
        ({"iat": None}, "no iat"),
        ({"iat": 2**36}, "future"),
        ({"nbf": 2**36}, "not count yet"),
    ],
)
def test_claims_must_be_for_us_and_for_now(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(TokenInvalid, match=why):
        read(signed(claims_of(**changed)))


def test_claims_that_are_none_are_refused() -> None:
    lone = json.dumps(claims_of(sub="\ud800"))  # which no database can keep
    deep, long = "[" * 9_000 + "]" * 9_000, json.dumps(claims_of())[:-1] + f', "n": {"9" * 9_000}}}'
    for payload in (lone, "[]", "7", "null", '"text"', "{", '{"exp": NaN}', deep, long, "\xff"):
        token = jws.serialize_compact({"alg": "ES256"}, payload.encode("latin-1"), OURS)
        with pytest.raises(TokenInvalid):
            read(token)


def test_what_is_no_token_is_refused_early() -> None:
    for text in ("", "a.b", "a.b.c", "é.b.c", "." * 2, "x" * 40_000 + ".b.c", by_hand({})):
        with pytest.raises(TokenInvalid):
            tokens.header_of(text)
    for kind in ("at+jwt", "logout+jwt"):
        with pytest.raises(TokenInvalid, match="another kind"):
            read(signed(claims_of(), {"typ": kind}))


def test_an_id_token_is_for_our_client_and_this_sign_in() -> None:
    def check(expected: str | None = None, **changed: Any) -> None:
        check_sign_in(claims_of(**changed), client_id=CLIENT, nonce=expected)

    check()
    check(azp=CLIENT, aud=[CLIENT, "other"])
    check("n", nonce="n")


def test_what_is_no_id_token_for_us_is_refused() -> None:
    attacks: list[tuple[dict[str, Any], str | None]] = [
        ({"azp": "other"}, None),
        ({"azp": None, "aud": [CLIENT, "other"]}, None),
        ({"typ": "Bearer"}, None),
        ({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, None),
        ({}, "expected"),
        ({"nonce": "another"}, "expected"),
        ({"nonce": ["expected"]}, "expected"),
    ]
    for changed, nonce in attacks:
        with pytest.raises(TokenInvalid):
            check_sign_in(claims_of(**changed), client_id=CLIENT, nonce=nonce)
