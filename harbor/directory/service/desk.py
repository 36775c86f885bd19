"""What is done: know who signs in from elsewhere, and find people and groups there."""

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.configuration.schemas import Values
from harbor.configuration.service import Configuration
from harbor.core.db import Database
from harbor.core.errors import BadRequest, Conflict, HarborError, NotFound, Unavailable
from harbor.directory import schemas
from harbor.directory.models import LDAP as LDAP_GROUP
from harbor.directory.service import filters, groups, http_proxy, names, people, uaa
from harbor.directory.service.groups import Known
from harbor.directory.service.ldap import Ldap
from harbor.directory.service.people import HTTP_AUTH, LDAP_AUTH, UAA_AUTH, Person
from harbor.users import service as users
from harbor.users.models import User
from harbor.users.service import Login

if TYPE_CHECKING:
    from harbor.directory.service.ldap_client import Client

log = logging.getLogger(__name__)
T = TypeVar("T")
ASKED = {
    LDAP_AUTH: "ldap_url",
    HTTP_AUTH: "http_authproxy_endpoint",
    UAA_AUTH: "uaa_endpoint",
}  # what takes a password, and the setting that says where it is
REMEMBERED = 10_000  # right passwords
REMEMBERED_S = 60.0  # so long a source is not asked again for the same name and password


class Right(Struct, frozen=True):
    """That a password was right a moment ago."""

    user_id: int
    username: str
    values: Values  # the settings that it was right under
    until: float


@dataclass
class Directory:
    """Sources of people beside local accounts, as the settings name them.

    podman, helm and scripts send their password with every request, so one that was right is
    remembered for a minute, as a keyed hash, as long as the settings stay the same.
    """

    db: Database
    configuration: Configuration
    _ldap: Ldap = field(default_factory=Ldap)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _right: dict[bytes, Right] = field(default_factory=dict)

    async def sign_in(self, account: Login | None, name: str, password: str) -> Login | None:
        """Who that is; ``None`` if no source says so.

        With an *account*, only the source that it came from is asked. One that does not answer
        keeps nobody out whom another one knows; else it is ``Unavailable``.
        """
        # Directories overlook spaces and control characters, so many names would be one.
        if names.is_unprintable(name) or name != name.strip():
            return None
        values = await self.configuration.current()
        proof = hmac.digest(self._key, f"{name}\0{password}".encode(), hashlib.sha256)
        if found := await self._remembered(proof, values):
            return found
        silent: Unavailable | None = None
        for source in asked_of(values, account):
            try:
                wanted = account.username if account else name
                person = await self._ask(source, values, wanted, password)
            except (Unavailable, BadRequest) as error:
                log.warning("a source of accounts: %s", error, extra={"source": source})
                silent = silent or Unavailable(str(error))
                continue
            if person and (found := await self._receive(person)):
                self._remember(proof, found, values)
                return found
        if silent:
            raise silent
        return None

    async def _ask(self, source: str, values: Values, name: str, password: str) -> Person | None:
        if source == HTTP_AUTH:
            return await http_proxy.sign_in(values, name, password)
        if source == UAA_AUTH:
            return await uaa.sign_in(values, name, password)
        return await self._ldap.ask(
            filters.settings_of(values), lambda client: client.sign_in(name, password)
        )

    async def _receive(self, person: Person) -> Login | None:
        """The account of somebody who has proved to be that person; ``None`` if there is none."""
        try:
            async with self.db.writing() as session:
                user = await self._received(session, person, signs_in=True)
                return Login(user.user_id, user.username, None, user.is_admin, user.source)
        except (BadRequest, Conflict) as error:
            log.warning("no account for who signs in: %s", error, extra={"source": person.source})
            return None

    async def _received(self, session: AsyncSession, person: Person, *, signs_in: bool) -> User:
        prefix = (await self.configuration.current()).robot_name_prefix
        return await people.receive(session, person, signs_in=signs_in, robot_prefix=prefix)

    async def _remembered(self, proof: bytes, values: Values) -> Login | None:
        right = self._right.get(proof)
        if right is None or right.values is not values or time.monotonic() > right.until:
            return None
        account = await users.find_login(self.db.quick, right.username)
        same = account is not None and account.user_id == right.user_id and account.source
        return account if same else None

    def _remember(self, proof: bytes, found: Login, values: Values) -> None:
        if len(self._right) >= REMEMBERED:
            self._right.clear()
        until = time.monotonic() + REMEMBERED_S
        self._right[proof] = Right(found.user_id, found.username, values, until)

    async def ping(self, tried: schemas.LdapConf) -> schemas.LdapPingResult:
        """Whether the server takes the account that searches; ``BadRequest``."""
        settings = filters.tried(await self.configuration.current(), tried)
        filters.address_of(settings.url)
        try:
            await self._ldap.ask(settings, lambda client: client.ping())
        except Unavailable as error:
            return schemas.LdapPingResult(False, str(error))
        return schemas.LdapPingResult(True)

    async def people(self, name: str, *, part: bool = False) -> list[Person]:
        """Those of LDAP with that name, or *part* of one; everybody for no name.

        ``Unavailable``, ``BadRequest``.
        """
        return await self._in_ldap(lambda client: client.people(name, part=part))

    async def groups(self, name: str) -> list[Known]:
        """The groups of LDAP whose names hold *name*. ``Unavailable``, ``BadRequest``."""
        return await self._in_ldap(lambda client: client.groups(name))

    async def group(self, dn: str) -> Known:
        """The group of LDAP with that name; ``NotFound``, ``Unavailable``, ``BadRequest``."""
        if not names.is_dn(dn):
            raise BadRequest("ldap_group_dn is no distinguished name")
        found = await self._in_ldap(lambda client: client.group(dn))
        if found is None:
            raise NotFound(f"LDAP group {dn} not found")
        return found

    async def bring(self, uid: str) -> str:
        """Give somebody of LDAP an account here; return its name.

        ``NotFound``, ``Conflict``, ``BadRequest``, ``Unavailable``.
        """
        found = await self.people(uid) if uid.strip() else []
        if len(found) != 1:
            raise NotFound("unknown user" if not found else "there are several of that name")
        async with self.db.writing() as session:
            return (await self._received(session, found[0], signs_in=False)).username

    async def bring_all(self, uids: list[str]) -> list[schemas.LdapFailedImportUser]:
        """Give people of LDAP accounts; return who got none, and why."""
        failed = []
        for uid in uids:
            try:
                await self.bring(uid)
            except HarborError as error:
                failed.append(schemas.LdapFailedImportUser(uid, str(error)))
        return failed

    async def bring_group(self, dn: str) -> None:
        """Make a group of LDAP known here, if it is not. As ``group`` fails."""
        known = await self.group(dn)
        async with self.db.writing() as session:
            if not await groups.ids(session, LDAP_GROUP, [known.identity]):
                await groups.create(session, LDAP_GROUP, known)

    async def has_ldap(self) -> bool:
        return LDAP_AUTH in (await self.configuration.current()).sources

    async def believes(self) -> bool:
        """Whether there are people and groups of the auth proxy that it has not named yet."""
        values = await self.configuration.current()
        return HTTP_AUTH in values.sources and values.http_authproxy_skip_search

    async def presume(self, name: str) -> str:
        """Give somebody an account whom the auth proxy will know; return its name.

        ``Conflict``, ``BadRequest``.
        """
        async with self.db.writing() as session:
            person = Person(HTTP_AUTH, username=name, realname=name)
            return (await self._received(session, person, signs_in=False)).username

    async def _in_ldap(self, question: "Callable[[Client], T]") -> T:
        values = await self.configuration.current()
        if not values.ldap_url:
            raise BadRequest("no LDAP server is configured")
        return await self._ldap.ask(filters.settings_of(values), question)

    def close(self) -> None:
        self._ldap.close()


def asked_of(values: Values, account: Login | None) -> list[str]:
    """The sources that may know a password, if they are set up: for an account, its own."""
    return [
        source
        for source in values.sources
        if source in ASKED
        and getattr(values, ASKED[source])
        and (account is None or account.source == source)
    ]
