"""OpenID providers and other issuers of tokens: where they say that things are, and their keys.

Source: OpenID Connect Discovery 1.0; RFC 7517 "JSON Web Key".
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from harbor.auth.oidc import tokens
from harbor.auth.oidc.tokens import Key, NoSuchKey
from harbor.configuration.service.rules import check_address
from harbor.core.errors import BadGateway
from harbor.core.lazily import loaded

log = logging.getLogger(__name__)
DISCOVERY = "/.well-known/openid-configuration"
FRESH_S = 300  # what a provider says of itself is asked again after that
KEYS_FRESH_S = 3600  # and its keys, so that those it gave up stop to count
STALE_S = 24 * 3600  # but for so long the old ones are better than none
FAILED_S = 3  # nobody else waits for a provider that has just failed
MISS_S = 2  # how often at most an unknown key makes us read them again
MAX_KNOWN = 100  # issuers
T = TypeVar("T")


class Place(Struct, frozen=True):
    """An issuer, as an administrator named it."""

    url: str
    verify: bool = True  # its certificate


class Metadata(Struct, frozen=True):
    """What we read of what a provider says of itself."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    revocation_endpoint: str = ""
    end_session_endpoint: str = ""
    id_token_signing_alg_values_supported: list[str] = []
    token_endpoint_auth_methods_supported: list[str] = []
    authorization_response_iss_parameter_supported: bool = False


class KeysTold(Struct):
    """A set of keys."""

    keys: list[Any]


@dataclass
class Known:
    """What this process knows of an issuer."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    metadata: Metadata | None = None
    told_at: float = -float("inf")
    keys: list[Key] | None = None
    keys_at: float = -float("inf")
    failure: str = ""
    failed_at: float = -float("inf")


class Providers:
    """Issuers by their places. Only those are asked that somebody here has configured."""

    def __init__(self) -> None:
        self._known: dict[Place, Known] = {}

    async def metadata(self, place: Place) -> Metadata:
        """What the provider says of itself; ``BadGateway`` if it says nothing of use."""
        known = self._of(place)
        if known.metadata is not None and age(known.told_at) < FRESH_S:
            return known.metadata
        async with known.lock:
            if known.metadata is not None and age(known.told_at) < FRESH_S:
                return known.metadata
            try:
                known.metadata = await self._asked(known, discovered(place))
                known.told_at = time.monotonic()
            except BadGateway:
                if known.metadata is None or age(known.told_at) >= STALE_S:
                    raise
            return known.metadata

    async def verify(self, place: Place, token: str, *, audience: str) -> dict[str, Any]:
        """The claims of a token that this issuer made for *audience*.

        ``TokenInvalid`` if it proves nothing, ``BadGateway`` if that cannot be told.
        """
        tokens.header_of(token)  # garbage is no reason to ask anybody
        metadata = await self.metadata(place)
        only = metadata.id_token_signing_alg_values_supported
        keys = await self._keys(place, metadata, fresh_s=KEYS_FRESH_S)
        try:
            return tokens.verified(
                token, keys, issuer=metadata.issuer, audience=audience, only=only
            )
        except NoSuchKey:
            keys = await self._keys(place, metadata, fresh_s=MISS_S)
            return tokens.verified(
                token, keys, issuer=metadata.issuer, audience=audience, only=only
            )

    async def _keys(self, place: Place, metadata: Metadata, *, fresh_s: float) -> list[Key]:
        known = self._of(place)
        if known.keys is not None and age(known.keys_at) < fresh_s:
            return known.keys
        async with known.lock:
            if known.keys is not None and age(known.keys_at) < fresh_s:
                return known.keys
            try:
                known.keys = await self._asked(known, keys_of(place, metadata))
                known.keys_at = time.monotonic()
            except BadGateway:
                if known.keys is None or age(known.keys_at) >= STALE_S:
                    raise
            return known.keys

    async def _asked(self, known: Known, question: Any) -> Any:
        """What *question*, a coroutine, answers; at once ``BadGateway`` if one has just failed."""
        if age(known.failed_at) < FAILED_S:
            question.close()
            raise BadGateway(known.failure)
        try:
            return await question
        except BadGateway as error:
            log.warning("an issuer of tokens does not answer", extra={"reason": str(error)})
            known.failure, known.failed_at = str(error), time.monotonic()
            raise

    def _of(self, place: Place) -> Known:
        if place not in self._known and len(self._known) >= MAX_KNOWN:
            self._known.clear()
        return self._known.setdefault(place, Known())


async def discovered(place: Place) -> Metadata:
    """Ask the provider what it says of itself; ``BadGateway`` if it says it is somebody else."""
    url = place.url.rstrip("/")
    found = await read(place, url + DISCOVERY, Metadata)
    if found.issuer.rstrip("/") != url:
        raise BadGateway("the provider says that it is another issuer than the one configured")
    return found


async def problem_of(url: str, *, verify: bool) -> str:
    """What keeps that from being a provider of use, its keys included; "" if nothing does."""
    place = Place(url, verify=verify)
    try:
        check_address(url)
        if not url:
            return "an address is needed"
        found = await keys_of(place, await discovered(place))
    except (ValueError, BadGateway) as error:
        return str(error)
    return "" if found else "the provider has no key that could be used"


async def keys_of(place: Place, metadata: Metadata) -> list[Key]:
    await loaded("joserfc.jwt")
    return tokens.imported((await read(place, metadata.jwks_uri, KeysTold)).keys)


async def read(
    place: Place, url: str, kind: type[T], headers: Mapping[str, str] | None = None
) -> T:
    """The JSON at *url* as *kind*; else ``BadGateway``."""
    await loaded("harbor.core.outgoing")
    from harbor.core import outgoing  # noqa: PLC0415

    raw = await outgoing.get(place.url, url, verify=place.verify, headers=headers)
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadGateway("the provider did not answer with the JSON expected") from error


def age(moment: float) -> float:
    return time.monotonic() - moment
