"""What is asked of the provider in the name of this registry: tokens, and their end."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from harbor.auth.oidc.providers import Metadata, Place, read
from harbor.configuration.schemas import Values
from harbor.core.errors import BadGateway, BadRequest
from harbor.core.lazily import loaded
from harbor.core.oci import shown

OFFLINE = "offline_access"
REFRESH = "refresh_token"
GOOGLE = "accounts.google.com"  # which wants to be asked for it otherwise
BASIC, POST = "client_secret_basic", "client_secret_post"
OURS = frozenset(
    (
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "response_mode",
        "response_type",
        "scope",
        "state",
    )
)  # parameters that no setting replaces


class Given(Struct, frozen=True):
    """The tokens that a provider gave; what it left out is empty."""

    access_token: str
    id_token: str
    refresh_token: str


class Refused(BadRequest):
    """The provider says no, and would say so again."""


def place_of(values: Values) -> Place:
    return Place(values.oidc_endpoint, verify=values.oidc_verify_cert)


def scope_of(values: Values) -> str:
    """What is asked for; without ``openid`` there would be no ID token."""
    told = [each.strip() for each in values.oidc_scope.split(",")]
    wanted = dict.fromkeys(["openid", *filter(None, told)])
    if is_google(values):
        wanted.pop(OFFLINE, None)
    return " ".join(wanted)


def is_google(values: Values) -> bool:
    return urlsplit(values.oidc_endpoint).hostname == GOOGLE


def extra_of(values: Values) -> dict[str, str]:
    """Further parameters of the address at which one signs in."""
    told = json.loads(values.oidc_extra_redirect_parms or "{}")
    extra = {name: value for name, value in told.items() if name not in OURS}
    asks = {"access_type": "offline", "prompt": "consent"} if is_google(values) else {}
    return asks | extra


@asynccontextmanager
async def client(values: Values, metadata: Metadata) -> AsyncIterator[Any]:
    """Our client of that provider."""
    await loaded("harbor.core.outgoing")
    await loaded("authlib.integrations.httpx_client")
    from authlib.integrations.httpx_client import AsyncOAuth2Client  # noqa: PLC0415

    from harbor.core.outgoing import Careful  # noqa: PLC0415

    offered = metadata.token_endpoint_auth_methods_supported
    method = POST if offered and BASIC not in offered and POST in offered else BASIC
    place = place_of(values)
    async with AsyncOAuth2Client(
        values.oidc_client_id,
        values.oidc_client_secret,
        token_endpoint_auth_method=method if values.oidc_client_secret else "none",
        revocation_endpoint_auth_method=method if values.oidc_client_secret else "none",
        scope=scope_of(values),
        code_challenge_method="S256",
        transport=Careful(place.url, verify=place.verify),
    ) as made:
        yield made


async def sign_in_url(
    values: Values, metadata: Metadata, *, back: str, state: str, nonce: str, verifier: str
) -> str:
    """Where somebody signs in at the provider, who sends them *back*."""
    if not metadata.authorization_endpoint.startswith(("https://", "http://")):
        raise BadGateway("the provider does not say where people sign in")
    async with client(values, metadata) as ours:
        url, _state = ours.create_authorization_url(
            metadata.authorization_endpoint,
            state=state,
            code_verifier=verifier,
            redirect_uri=back,
            nonce=nonce,
        )
    extra = urlencode(extra_of(values))
    return f"{url}&{extra}" if extra else str(url)


async def exchange(
    values: Values, metadata: Metadata, *, code: str, verifier: str, back: str
) -> Given:
    """The tokens for a code; ``Refused`` if the provider says no, ``BadGateway``."""
    async with client(values, metadata) as ours:
        return await asked(
            ours.fetch_token(
                metadata.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                redirect_uri=back,
            )
        )


async def refresh(values: Values, metadata: Metadata, refresh_token: str) -> Given:
    """New tokens for a refresh token; ``Refused`` once it is dead, ``BadGateway``."""
    async with client(values, metadata) as ours:
        ours.token = {"access_token": "", "refresh_token": refresh_token}
        return await asked(ours.refresh_token(metadata.token_endpoint, refresh_token=refresh_token))


async def revoke(values: Values, metadata: Metadata, refresh_token: str) -> None:
    """Tell the provider that a refresh token is over; ``BadGateway``."""
    async with client(values, metadata) as ours:
        await ours.revoke_token(
            metadata.revocation_endpoint, token=refresh_token, token_type_hint=REFRESH
        )


async def asked(question: Any) -> Given:
    import httpx2  # noqa: PLC0415
    from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415

    try:
        found = await question
    except AuthlibBaseError as error:
        said = shown(f"{error.error}: {error.description or ''}".rstrip(": "))
        raise Refused(f"the provider refused: {said}") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TypeError, RecursionError) as error:
        raise BadGateway("the provider did not answer with tokens") from error
    return Given(text(found, "access_token"), text(found, "id_token"), text(found, "refresh_token"))


def text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""


async def user_info(values: Values, metadata: Metadata, access_token: str) -> dict[str, Any]:
    """What the user info endpoint says; nothing if there is none. ``BadGateway``."""
    if not metadata.userinfo_endpoint or not access_token.isprintable():
        return {}
    headers = {"Authorization": f"Bearer {access_token}"}
    return await read(place_of(values), metadata.userinfo_endpoint, dict[str, Any], headers)
