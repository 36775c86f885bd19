"""What is done: ask an LDAP server. Everything here waits, so it is done in a thread.

It is imported only where LDAP is used: the library takes some megabytes.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from ldap3 import ANONYMOUS, BASE, LEVEL, NONE, SIMPLE, SUBTREE, SYNC, Connection, Server, Tls
from ldap3.core.exceptions import (
    LDAPException,
    LDAPResponseTimeoutError,
    LDAPSocketOpenError,
)
from msgspec import Struct
from msgspec.structs import replace
from pyasn1.error import PyAsn1Error

from harbor.directory.service import filters, names, web
from harbor.directory.service.filters import LdapSettings
from harbor.directory.service.groups import Known
from harbor.directory.service.people import LDAP_AUTH, Person

PAGE = 1000
MAX_ENTRIES = 10_000  # of one search; more than anybody reads
MAX_GROUPS = 500  # of one person
MAX_DN = 500  # characters that are kept
MAX_ANSWERS = 16 * 1024 * 1024  # bytes of a whole connection
TIMEOUT = "ldap server network timeout"
ANYTHING = "(objectClass=*)"
PAGED = "1.2.840.113556.1.4.319"
SCOPES = (BASE, LEVEL, SUBTREE)
SUCCESS, SIZE_LIMIT, NO_SUCH_OBJECT, INVALID_DN = 0, 4, 32, 34
REFUSED = frozenset((19, 32, 34, 48, 49, 50, 53))  # results of a bind that is not allowed
# What answers are that are none: the library reads them without doubting them.
GARBAGE = (PyAsn1Error, ValueError, LookupError, TypeError, AttributeError, RecursionError)


class LdapFailed(Exception):
    """The server cannot be asked; the message says why, in the words of Harbor's clients."""


class Entry(Struct, frozen=True):
    dn: str
    attributes: dict[str, list[str]]  # by name in lower case

    def first(self, *wanted: str) -> str:
        """The first value of the first of those attributes that has one."""
        values = (self.attributes.get(name.lower(), []) for name in wanted)
        return next((found[0] for found in values if found), "")


class Client:
    """One conversation with a server."""

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._open: list[Connection] = []

    def cut(self) -> None:
        """End the conversation from another thread, which has waited long enough."""
        for connection in self._open:
            with suppress(OSError, AttributeError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for connection in self._open:
            end(connection)

    def ping(self) -> None:
        """Bind as the account that searches."""
        if not self._settings.search_dn:
            raise LdapFailed("error: empty search dn")
        self._searching()

    def sign_in(self, name: str, password: str) -> Person | None:
        """The person, with groups, if that is the password; ``None`` for any other one."""
        # A bind without a password is an anonymous one, which succeeds (RFC 4513, 5.1.2).
        if not name or not password:
            return None
        entry = self._one(name)
        if entry is None or self._bound(entry.dn, password) is None:
            return None
        around = self._groups_around(entry)
        admins = names.folded(self._settings.group_admin_dn)
        return replace(
            self._person(entry),
            is_admin=bool(admins.strip("=")) and admins in {names.folded(dn) for dn in around},
            groups=tuple(self._known(around, filters.enclosed(self._settings.group_filter))),
        )

    def people(self, name: str, *, part: bool = False) -> list[Person]:
        """Those of that name, or *part* of one; everybody for no name."""
        wanted = filters.of_person(self._settings, name, part=part)
        return [self._person(entry) for entry in self._entries(wanted)]

    def groups(self, name: str) -> list[Known]:
        """The groups whose names hold *name*."""
        wanted = filters.of_groups(self._settings, name)
        with heard():
            found = self._search(
                self._settings.groups_below,
                wanted,
                SCOPES[self._settings.group_scope],
                [self._group_name],
            )
            return [self._group(entry) for entry in found if len(entry.dn) <= MAX_DN]

    def group(self, dn: str) -> Known | None:
        """The group of that name in the directory, if it is below the base of groups."""
        wanted = filters.enclosed(self._settings.group_filter) or ANYTHING
        return next(self._known([dn], wanted), None)

    @property
    def _group_name(self) -> str:
        return filters.attribute(self._settings.group_name or "cn")

    def _person(self, entry: Entry) -> Person:
        return Person(
            LDAP_AUTH,
            username=entry.first(self._settings.uid),
            realname=entry.first("cn", "uid", self._settings.uid),
            email=entry.first("mail", "email"),
        )

    def _group(self, entry: Entry) -> Known:
        _, _, value = names.parts(entry.dn)[0].partition("=")
        return Known((entry.first(self._group_name) or names.unescaped(value))[:255], entry.dn)

    def _one(self, name: str) -> Entry | None:
        wanted = filters.of_person(self._settings, name)
        found = self._entries(wanted, self._settings.membership)
        return found[0] if len(found) == 1 else None

    def _entries(self, wanted: str, *also: str) -> list[Entry]:
        settings = self._settings
        asked = dict.fromkeys(("uid", "cn", "mail", "email", settings.uid, *also))
        with heard():
            found = list(
                self._search(settings.base_dn, wanted, SCOPES[settings.scope], list(asked))
            )
        return [entry for entry in found if entry.first(settings.uid)]

    def _groups_around(self, entry: Entry) -> list[str]:
        """The names of the groups that somebody is in, as far as we look."""
        around = list(entry.attributes.get(self._settings.membership.lower(), []))
        if self._settings.nested:
            wanted = filters.of_groups_around(self._settings, entry.dn)
            with heard():
                found = self._search(self._settings.groups_below, wanted, SUBTREE, ["cn"])
                around += [group.dn for group in found]
        return list(dict.fromkeys(around))[:MAX_GROUPS]

    def _known(self, around: list[str], wanted: str) -> Iterator[Known]:
        """Those of the groups that fit the filter; none does if there is no filter."""
        settings = self._settings
        if not wanted:
            return
        for dn in around:
            if len(dn) > MAX_DN or not names.is_below(dn, settings.groups_below):
                continue
            with heard():
                for entry in self._search(dn, wanted, BASE, [self._group_name]):
                    yield self._group(entry)

    def _search(self, base: str, wanted: str, scope: str, attributes: list[str]) -> Iterator[Entry]:
        connection = self._searching()
        cookie: bytes | None = None
        count = 0
        while True:
            connection.search(
                base,
                wanted,
                scope,
                attributes=attributes,
                paged_size=PAGE,
                paged_cookie=cookie,
                time_limit=self._settings.timeout_s,
            )
            code = connection.result["result"]
            if code in (NO_SUCH_OBJECT, INVALID_DN):
                return
            if code not in (SUCCESS, SIZE_LIMIT):
                raise LdapFailed(f"the LDAP server refused to search: {said(connection)}")
            for answer in connection.response or ():
                if answer["type"] == "searchResEntry":
                    yield entry_of(answer)
                    count += 1
            cookie = paging_cookie(connection.result)
            if not cookie or count >= MAX_ENTRIES:
                return

    def _searching(self) -> Connection:
        """A connection of the account that searches: the first one of the conversation."""
        if not self._open:
            settings = self._settings
            if self._bound(settings.search_dn, settings.search_password) is None:
                raise LdapFailed("invalid credential")
        return self._open[0]

    def _bound(self, dn: str, password: str) -> Connection | None:
        """A connection as *dn*; ``None`` if that is not the password."""
        if dn and not password:
            return None
        with heard():
            connection = Connection(
                self._server(),
                user=dn or None,
                password=password or None,
                authentication=SIMPLE if dn else ANONYMOUS,
                client_strategy=SYNC,
                auto_referrals=False,
                check_names=False,
                read_only=True,
                receive_timeout=self._settings.timeout_s,
            )
            self._open.append(connection)
            connect(connection)
            if connection.bind(read_server_info=False):
                return connection
            self._open.remove(connection)
            code, words = connection.result["result"], said(connection)
            end(connection)
        if code in REFUSED:
            return None
        raise LdapFailed(f"the LDAP server refused to answer: {words}")

    def _server(self) -> Server:
        settings = self._settings
        where = filters.address_of(settings.url)
        tls = Tls() if where.tls else None
        if tls is not None:
            # The library compares names by a function that Python has no more.
            tls.wrap_socket = partial(secure, web.trust(verify=settings.verify_cert))
        return Server(
            where.host,
            port=where.port,
            use_ssl=where.tls,
            tls=tls,
            get_info=NONE,
            connect_timeout=settings.timeout_s,
        )


@contextmanager
def heard() -> Iterator[None]:
    """Let what goes wrong inside be said in a way that administrators understand."""
    try:
        yield
    except LDAPResponseTimeoutError as error:
        raise LdapFailed(TIMEOUT) from error
    except (LDAPException, OSError) as error:
        raise failure(str(error)) from error
    except GARBAGE as error:
        raise LdapFailed("fail to ping LDAP server: the answer is no LDAP") from error


def failure(words: str) -> LdapFailed:
    late = "timed out" in words
    return LdapFailed(TIMEOUT if late else f"fail to ping LDAP server: {printable(words)}")


def connect(connection: Connection) -> None:
    """Open it; from then on it takes so many bytes and no more."""
    try:
        connection.open(read_server_info=False)
    except LDAPSocketOpenError as error:
        raise failure(connection.last_error or str(error)) from error
    connection.socket = Measured(connection.socket)


def secure(context: ssl.SSLContext, connection: Connection, do_handshake: bool = False) -> None:
    """Encrypt it, and make sure whose server that is, as the context says."""
    del do_handshake  # always
    host = connection.server.host
    connection.socket = context.wrap_socket(connection.socket, server_hostname=host)


def end(connection: Connection) -> None:
    """Say good-bye, and close the socket, also of a connection that never was one."""
    sock = connection.socket
    with suppress(LDAPException, OSError, *GARBAGE):
        connection.unbind()
    if sock is not None:
        sock.close()


class Measured:
    """A socket from which a server cannot send without end."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._left = MAX_ANSWERS

    def recv(self, size: int) -> bytes:
        raw = self._socket.recv(size)
        self._left -= len(raw)
        if self._left < 0:
            raise OSError("the server answers too much")
        return raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def entry_of(answer: dict[str, Any]) -> Entry:
    attributes: dict[str, list[str]] = {}
    for name, values in answer["raw_attributes"].items():
        attributes[name.lower()] = [value.decode("utf-8", "replace") for value in values]
    return Entry(answer["dn"], attributes)


def paging_cookie(result: dict[str, Any]) -> bytes | None:
    control = (result.get("controls") or {}).get(PAGED)
    found = control["value"]["cookie"] if control else None
    return found or None


def said(connection: Connection) -> str:
    """What the server itself says of its refusal."""
    return printable(f"{connection.result['description']} {connection.result['message']}")


def printable(words: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in words).strip()[:255]
