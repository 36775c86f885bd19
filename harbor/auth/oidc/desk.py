"""Who comes from an OpenID provider: known by a secret, by a token, or by their session.

The secret of somebody's clients goes on working when the provider's refresh token is dead, or the
provider is not there: see docs/decisions/0016.
"""

import asyncio
import logging
import re
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from harbor.auth.oidc import client, rights, tokens
from harbor.auth.oidc.claims import Person, admin_group_among, groups_in, person_of
from harbor.auth.oidc.client import Given, Refused, place_of
from harbor.auth.oidc.flow import Flow
from harbor.auth.oidc.providers import Metadata, Providers
from harbor.auth.oidc.rights import is_from
from harbor.auth.oidc.tokens import TokenInvalid
from harbor.configuration.schemas import Values
from harbor.configuration.service import Configuration
from harbor.core import clock
from harbor.core.crypto import Box, same
from harbor.core.db import Database
from harbor.core.errors import BadGateway
from harbor.core.quick import SessionPen
from harbor.core.security import Principal
from harbor.users.models import OidcUser
from harbor.users.service import has_oidc, oidc
from harbor.users.service.oidc import Linked, Told

log = logging.getLogger(__name__)
REFRESH_EVERY = timedelta(hours=1)
AT_ONCE = 8  # refreshes of one process
READS = frozenset(("GET", "HEAD"))
# Where the secret of clients is taken for a password: as in Harbor, where clients and another
# Harbor that replicates need it. Source: Harbor src/server/middleware/security/oidc_cli.go.
ANYWHERE = re.compile(r"/service/token/?|/v2(/.*)?|(/api)?/chartrepo/.*|/api/v2\.0/projects/?")
TO_READ = re.compile(
    r"/api/version|/api/v2\.0/(systeminfo|labels(/[0-9]+)?"
    r"|projects/[^/]+(/repositories(/[^/]+(/artifacts(/.*)?)?)?)?)/?"
)
TO_DELETE = re.compile(r"/api/v2\.0/projects/[^/]+/repositories/[^/]+/artifacts/[^/]+/tags/[^/]+/?")


class Oidc:
    """The provider that people come from, and what is known of them."""

    def __init__(self, db: Database, configuration: Configuration, box: Box) -> None:
        self._db, self._configuration, self._box = db, configuration, box
        self.flow = Flow(box.key_for("oidc"))
        self.providers = Providers()
        self._refreshing: dict[int, asyncio.Task[None]] = {}

    async def values(self) -> Values | None:
        """The settings, where people come from a provider; else ``None``."""
        values = await self._configuration.current()
        return values if has_oidc(values) else None

    async def is_secret(self, user_id: int, secret: str) -> bool:
        """Whether that is the secret of somebody's clients; using it may cause a refresh."""
        values = await self.values()
        found = values and await oidc.by_id(self._db.quick, user_id)
        if not values or not found or not found.secret:
            return False
        if not same(self._box.open(found.secret), secret):
            return False
        self._ask_again(values, found)
        return True

    async def by_id_token(self, token: str) -> Principal | None:
        """Whose ID token that is, if they have an account; rights are those that it tells."""
        values = await self.values()
        if values is None:
            return None
        try:
            claims = await self._checked(values, token, nonce=None)
        except (TokenInvalid, BadGateway) as error:
            log.info("an ID token is not accepted", extra={"reason": str(error)})
            return None
        found = await oidc.by_subject(self._db.quick, claims["iss"], claims["sub"])
        if found is None:
            return None
        told, leads = groups_in(values, claims), found.is_admin
        if told is not None:
            leads = found.sysadmin_flag or bool(admin_group_among(values, told))
        return Principal(found.username, user_id=found.user_id, is_admin=leads, tried=True)

    async def used(self, who: Principal | None) -> None:
        """See that the rights of *who*, who comes by other credentials, do not grow old."""
        values = await self.values()
        if values is None or who is None or who.user_id is None:
            return
        found = await oidc.by_id(self._db.quick, who.user_id)
        if found is not None:
            self._ask_again(values, found)

    async def follow(self, session: AsyncSession, row: OidcUser) -> None:
        """Let count what was just told of somebody, as the settings are now."""
        await rights.follow(session, await self._configuration.current(), row)

    async def settle_rights(self) -> None:
        """Let count what was told of everybody, as the settings are, which may be others now."""
        async with self._db.writing() as session:
            await rights.settle(SessionPen(session), await self._configuration.current())

    async def identify(
        self, values: Values, metadata: Metadata, given: Given, *, nonce: str | None
    ) -> Person:
        """Whom the provider's tokens are about; ``TokenInvalid``, ``BadGateway``."""
        claims = await self._checked(values, given.id_token, nonce=nonce)
        return person_of(values, claims, await told_of(values, metadata, given, claims["sub"]))

    async def _checked(self, values: Values, token: str, *, nonce: str | None) -> dict[str, Any]:
        audience = values.oidc_client_id
        if not audience or not values.oidc_endpoint:
            raise TokenInvalid("no provider is configured")
        claims = await self.providers.verify(place_of(values), token, audience=audience)
        tokens.check_sign_in(claims, client_id=audience, nonce=nonce)
        return claims

    def told(self, person: Person, given: Given) -> Told:
        """What is to be kept of what the provider told."""
        return Told(
            issuer=person.issuer,
            subject=person.subject,
            username=person.username,
            email=person.email,
            groups=person.groups,
            admin_group=person.admin_group,
            refresh_token=self._box.close(given.refresh_token) if given.refresh_token else None,
            id_token=self._box.close(given.id_token) if given.id_token else None,
        )

    def _ask_again(self, values: Values, found: Linked) -> None:
        """See, beside the request, what the provider says of them by now; once an hour."""
        due = clock.now() - found.tried_time >= REFRESH_EVERY and found.refreshes
        due = due and is_from(values, found)
        if due and found.user_id not in self._refreshing and len(self._refreshing) < AT_ONCE:
            task = asyncio.create_task(self.refresh(found.user_id))
            self._refreshing[found.user_id] = task
            task.add_done_callback(lambda _task: self._refreshing.pop(found.user_id, None))

    async def refresh(self, user_id: int) -> None:
        """Ask the provider for new tokens, and learn groups and rights from them.

        A refusal ends the refresh token and nothing else; whoever does not answer is asked later.
        """
        values = await self.values()
        if values is None:
            return
        async with self._db.writing() as session:
            before = clock.now() - REFRESH_EVERY
            closed = await oidc.claim_refresh(session, user_id, before=before)
            row = await oidc.row_of(session, user_id)
        if closed is None or row is None or not is_from(values, row):
            return
        try:
            metadata = await self.providers.metadata(place_of(values))
            given = await client.refresh(values, metadata, self._box.open(closed))
            person = await self._still(values, metadata, given, row)
        except (Refused, TokenInvalid) as error:
            log.warning("a refresh token is dead", extra={"user": user_id, "reason": str(error)})
            async with self._db.writing() as session:
                await oidc.drop_refresh(session, user_id, refused=closed)
            return
        except BadGateway as error:
            log.warning("a provider was not there", extra={"user": user_id, "reason": str(error)})
            return
        async with self._db.writing() as session:
            if await oidc.row_of(session, user_id) is not None:
                row = await oidc.note(session, self.told(person, given))
                await self.follow(session, row)

    async def _still(
        self, values: Values, metadata: Metadata, given: Given, row: OidcUser
    ) -> Person:
        """What new tokens tell; ``TokenInvalid`` if they are about somebody else.

        If nobody says what they are worth now, the tokens are kept, and rights stay as they were.
        """
        nothing = Person(row.issuer, row.subject, row.username, row.email, None, None)
        try:
            if given.id_token:
                found = await self.identify(values, metadata, given, nonce=None)
                if (found.issuer, found.subject) != (row.issuer, row.subject):
                    raise TokenInvalid("the new tokens are of somebody else")
                return found
            told = await told_of(values, metadata, given, row.subject)
        except BadGateway as error:
            log.warning("a provider was not there", extra={"reason": str(error)})
            return nothing
        known = {"iss": row.issuer, "sub": row.subject}
        return person_of(values, known, told) if told else nothing

    async def settle(self) -> None:
        """Wait for what goes on beside requests."""
        await asyncio.gather(*self._refreshing.values())

    async def close(self) -> None:
        """Stop asking."""
        tasks = list(self._refreshing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def takes_secret(method: str, path: str) -> bool:
    return bool(
        ANYWHERE.fullmatch(path)
        or (method in READS and TO_READ.fullmatch(path))
        or (method == "DELETE" and TO_DELETE.fullmatch(path))
    )


async def told_of(values: Values, metadata: Metadata, given: Given, subject: str) -> dict[str, Any]:
    """What the user info endpoint says of *subject*; ``TokenInvalid`` if it is about another."""
    try:
        told = await client.user_info(values, metadata, given.access_token)
    except BadGateway as error:
        log.warning("a provider tells nothing of its users", extra={"reason": str(error)})
        return {}
    if told and told.get("sub") != subject:
        raise TokenInvalid("the provider told of somebody else")
    return told
