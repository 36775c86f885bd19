"""Machines that show a token of their own issuer: a CI system, or a Kubernetes cluster.

Only issuers that an administrator trusts are ever asked for anything; what a token says of its
issuer chooses among them. Whom a token stands for is said by rules over its claims, which all
must hold.

Source: RFC 7519 "JSON Web Token", RFC 8725; the claims of GitHub Actions, GitLab CI, Kubernetes.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from harbor.auth.oidc import tokens
from harbor.auth.oidc.providers import Place, Providers
from harbor.auth.oidc.tokens import TokenInvalid
from harbor.core.patterns import PatternInvalid, compiled
from harbor.robots.schemas import ClaimRule, Trust

LONGEST_CHOSEN = 128  # characters, as ``users.check_password`` has it
MAX_AGE_S = 24 * 3600  # a token that lives longer is a password that nobody can change
MAX_VALUE = 1_024  # characters of a claim that a rule is about


class Issuer(Struct):
    iss: str


def is_one(password: str) -> bool:
    """Whether that looks like a signed token; no secret that somebody chose is so long."""
    return (
        password.startswith("eyJ") and len(password) > LONGEST_CHOSEN and password.count(".") == 2  # noqa: PLR2004
    )


async def trusted(
    providers: Providers, token: str, trusts: Sequence[Trust]
) -> tuple[Trust, dict[str, Any]]:
    """The first of *trusts* that the token satisfies, and its claims.

    ``TokenInvalid`` if it satisfies none, ``BadGateway`` if its issuer does not answer.
    """
    tokens.header_of(token)
    issuer = issuer_of(token)
    named = [each for each in trusts if each.issuer.rstrip("/") == issuer.rstrip("/")]
    reason = TokenInvalid("nobody here trusts the issuer of the token")
    for trust in named:
        try:
            place = Place(trust.issuer, verify=trust.verify)
            claims = await providers.verify(place, token, audience=trust.audience)
            check_age(claims)
            if all(holds(rule, claims) for rule in trust.rules) and trust.rules:
                return trust, claims
            reason = TokenInvalid("the claims of the token are not those that are let in")
        except TokenInvalid as error:
            reason = error
    raise reason


def issuer_of(token: str) -> str:
    """Whom the token names, unchecked: to choose whose keys to check it with."""
    raw = token.split(".")[1]
    try:
        plain = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
        return msgspec.json.decode(plain, type=Issuer).iss
    except (ValueError, RecursionError) as error:
        raise TokenInvalid("the token names no issuer") from error


def check_age(claims: Mapping[str, Any]) -> None:
    if tokens.moment(claims, "exp") - tokens.moment(claims, "iat") > MAX_AGE_S:
        raise TokenInvalid(f"tokens that live longer than {MAX_AGE_S} seconds are not accepted")


def holds(rule: ClaimRule, claims: Mapping[str, Any]) -> bool:
    """Whether a value of the claim is what the rule wants."""
    try:
        pattern = compiled(rule.pattern)
    except PatternInvalid:
        return False
    return any(
        len(value) <= MAX_VALUE and pattern.fits(value) for value in values_of(rule.claim, claims)
    )


def values_of(name: str, claims: Mapping[str, Any]) -> list[str]:
    """The values of a claim as texts. Names of claims may have dots and slashes in themselves."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("/"):
            found = found.get(part) if isinstance(found, Mapping) else None
    many = found if isinstance(found, list) else [found]
    return [text for each in many if (text := as_text(each)) is not None]


def as_text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None
