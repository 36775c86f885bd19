"""Who somebody is, as the claims of a provider say, read as the settings want it."""

from collections.abc import Mapping
from typing import Any, TypeGuard

from msgspec import Struct

from harbor.auth.oidc.tokens import is_sound
from harbor.configuration.schemas import Values
from harbor.core.regex import compiled
from harbor.directory.service.names import is_unprintable

MAX_TEXT = 255  # characters that a name, an address or a group may have
MAX_GROUPS = 1_000
Claims = Mapping[str, Any]


class Person(Struct, frozen=True):
    """Somebody at a provider. Without groups told, ``groups`` and ``admin_group`` are ``None``."""

    issuer: str
    subject: str
    username: str  # proposed; "" if the claims have none
    email: str
    groups: list[str] | None  # that the filter lets through
    admin_group: str | None  # that they are in; "" if they are not


def person_of(values: Values, of_token: Claims, of_user_info: Claims) -> Person:
    """The person whom an ID token and the answer of the user info endpoint are about."""
    told = groups_in(values, of_user_info)
    if told is None:
        told = groups_in(values, of_token)
    return Person(
        issuer=of_token["iss"],
        subject=of_token["sub"],
        username=name_in(values, of_token, of_user_info),
        email=email_in({**of_user_info, **of_token}),
        groups=None if told is None else filtered(values, told),
        admin_group=None if told is None else admin_group_among(values, told),
    )


def name_in(values: Values, of_token: Claims, of_user_info: Claims) -> str:
    """The name that is proposed for the account; "" if there is none."""
    if claim := values.oidc_user_claim:
        found = of_token.get(claim) or of_user_info.get(claim)
    else:
        found = of_user_info.get("name") or of_token.get("name")
    if not isinstance(found, str) or not found.isprintable():
        return ""
    return found.strip().replace(" ", "_")[:MAX_TEXT]


def email_in(claims: Claims) -> str:
    """The address, unless the provider says that it does not know whose it is."""
    found = claims.get("email")
    known = claims.get("email_verified", True) not in (False, "false")
    if not known or not isinstance(found, str) or not found.isprintable():
        return ""
    return found if len(found) <= MAX_TEXT else ""


def groups_in(values: Values, claims: Claims) -> list[str] | None:
    """The groups that the claims tell; ``None`` if they tell nothing of groups."""
    claim = values.oidc_groups_claim
    if not claim or claim not in claims:
        return None
    told = claims[claim]
    found = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    good = [each for each in found if is_name(each)]
    return list(dict.fromkeys(good))[:MAX_GROUPS]


def is_name(told: object) -> TypeGuard[str]:
    """Whether a group can be called so here."""
    if not is_sound(told) or is_unprintable(told):
        return False
    return bool(told.strip()) and len(told) <= MAX_TEXT


def admin_group_among(values: Values, groups: list[str]) -> str:
    """The admin group if it is one of *groups*, whether the filter lets it through or not."""
    return values.oidc_admin_group if values.oidc_admin_group in groups else ""


def filtered(values: Values, groups: list[str]) -> list[str]:
    """Those that the administrator wants to be known here."""
    pattern = values.oidc_group_filter
    return [each for each in groups if compiled(pattern).search(each)] if pattern else groups
