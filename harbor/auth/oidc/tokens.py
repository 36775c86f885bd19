"""Tokens that others signed: what they say, if the right key signed them for us.

Which keys count is never the token's to say: ``jwk``, ``jku`` and ``x5u`` of its header are not
looked at, ``kid`` only chooses among the issuer's keys, and a key of the issuer never serves as
a shared secret.

Source: OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725 "JSON Web Token Best Current Practices".
"""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import msgspec
from msgspec import Struct

from harbor.core import clock
from harbor.core.crypto import same

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

Key: TypeAlias = "RSAKey | ECKey | OKPKey"
Claims = Mapping[str, Any]
ALGORITHMS: Mapping[str, str] = {
    "RS256": "RSA",
    "RS384": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "PS384": "RSA",
    "PS512": "RSA",
    "ES256": "EC",
    "ES384": "EC",
    "ES512": "EC",
    "EdDSA": "OKP",
    "Ed25519": "OKP",
}  # none with a shared secret, and not "none"
TYPES = frozenset(("", "jwt", "application/jwt"))  # not at+jwt, not logout+jwt
NOT_FOR_SIGN_IN = frozenset(("Bearer", "Refresh", "Offline", "Logout"))  # Keycloak's claim "typ"
LEEWAY_S = 60
MAX_TOKEN = 32 * 1024  # characters
MAX_KEYS = 100
MAX_SUBJECT = 255  # characters
MAX_MOMENT = 2**37
UNSOUND = re.compile("[\0\ud800-\udfff]")  # JSON can say it, UTF-8 cannot


class TokenInvalid(ValueError):
    """A token that proves nothing here; the message says why."""


class NoSuchKey(TokenInvalid):
    """The issuer may have changed its keys since we read them."""


class Header(Struct):
    """What is read of a token's header before anything is verified."""

    alg: str
    kid: str = ""
    typ: str = ""


def header_of(token: str) -> Header:
    """The header, unchecked; ``TokenInvalid`` if there is none, or one that is never accepted."""
    if len(token) > MAX_TOKEN or not token.isascii() or token.count(".") != 2:  # noqa: PLR2004
        raise TokenInvalid("that is no signed token")
    raw = token.partition(".")[0]
    try:
        plain = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
        header = msgspec.json.decode(plain, type=Header)
    except (ValueError, RecursionError) as error:
        raise TokenInvalid("that is no signed token") from error
    if header.alg not in ALGORITHMS:
        raise TokenInvalid("the token is not signed by an algorithm that is accepted")
    if header.typ.lower() not in TYPES:
        raise TokenInvalid("the token is of another kind")
    return header


def imported(found: Sequence[object]) -> list[Key]:
    """The public keys among *found*; what is no key for signatures is passed over."""
    from joserfc.errors import JoseError  # noqa: PLC0415, its library takes two megabytes

    known = kinds()
    keys: list[Key] = []
    for each in found[:MAX_KEYS]:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        kind = known.get(str(each.get("kty")))
        public: dict[str, str | list[str]] = {
            name: value for name, value in each.items() if isinstance(value, str)
        }
        if kind is None or "d" in public:
            continue  # shared secrets; and a private key that anybody can read proves nothing
        try:
            keys.append(kind.import_key(public))
        except (JoseError, ValueError, TypeError):
            continue
    return keys


def verified(
    token: str, keys: Sequence[Key], *, issuer: str, audience: str, only: Sequence[str] = ()
) -> dict[str, Any]:
    """The claims of a token that *issuer* made for *audience*, now; else ``TokenInvalid``.

    With *only*, the algorithms that the issuer says it uses.
    """
    from joserfc import jwt  # noqa: PLC0415
    from joserfc.errors import JoseError  # noqa: PLC0415

    header = header_of(token)
    if only and header.alg not in only:
        raise TokenInvalid("the issuer does not sign by that algorithm")
    kind = kinds()[ALGORITHMS[header.alg]]
    fitting = [key for key in keys if isinstance(key, kind) and fits(key, header)]
    if not fitting:
        raise NoSuchKey("the issuer has no such key")
    for key in fitting:
        try:
            claims = jwt.decode(token, key, algorithms=[header.alg]).claims
        except (JoseError, ValueError, RecursionError):
            continue
        check(claims, issuer=issuer, audience=audience)
        return claims
    raise TokenInvalid("the signature is not right")


def kinds() -> "Mapping[str, type[Key]]":
    """The kinds of keys, by the names that JOSE has for them."""
    from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: PLC0415

    return {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


def fits(key: Key, header: Header) -> bool:
    told = key.as_dict(private=False)
    return told.get("alg", header.alg) == header.alg and (
        not header.kid or told.get("kid") == header.kid
    )


def check(claims: Claims, *, issuer: str, audience: str) -> None:
    """Raise ``TokenInvalid`` unless the claims are *issuer*'s, for *audience*, and for now."""
    now = clock.now().timestamp()
    if claims.get("iss") != issuer:
        raise TokenInvalid("the token is of another issuer")
    if audience not in audiences(claims):
        raise TokenInvalid("the token is for somebody else")
    subject = claims.get("sub")
    if not is_sound(subject) or len(subject) > MAX_SUBJECT:
        raise TokenInvalid("the token names nobody")
    if moment(claims, "exp") + LEEWAY_S <= now:
        raise TokenInvalid("the token has expired")
    if moment(claims, "iat") - LEEWAY_S > now:
        raise TokenInvalid("the token is of the future")
    if "nbf" in claims and moment(claims, "nbf") - LEEWAY_S > now:
        raise TokenInvalid("the token does not count yet")


def is_sound(value: object) -> TypeGuard[str]:
    """Whether that is a text, not empty, that a database can keep."""
    return isinstance(value, str) and bool(value) and not UNSOUND.search(value)


def audiences(claims: Claims) -> list[str]:
    told = claims.get("aud")
    return [told] if isinstance(told, str) else told if isinstance(told, list) else []


def moment(claims: Claims, name: str) -> float:
    told = claims.get(name)
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= MAX_MOMENT:
        raise TokenInvalid(f"the token has no {name}")
    return told


def check_sign_in(claims: Claims, *, client_id: str, nonce: str | None) -> None:
    """Raise ``TokenInvalid`` unless that is an ID token, made for our client.

    With *nonce*, made for the sign-in that this browser began.
    """
    if claims.get("typ") in NOT_FOR_SIGN_IN or "events" in claims:
        raise TokenInvalid("that is no ID token")
    party = claims.get("azp")
    if party != client_id and ("azp" in claims or len(audiences(claims)) > 1):
        raise TokenInvalid("the token was given to another client")
    if nonce is not None and not same(str(claims.get("nonce", "")), nonce):
        raise TokenInvalid("the token belongs to another sign-in")
