"""What is done: write what an LDAP server is asked for. What people typed is escaped."""

import re
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from harbor.configuration.schemas import Values
from harbor.core.errors import BadRequest
from harbor.directory.schemas import LdapConf

LDAPS_PORT = 636
PORTS = {"ldap": 389, "ldaps": LDAPS_PORT}
IN_CHAIN = "1.2.840.113556.1.4.1941"  # a matching rule of Active Directory: group in a group
ATTRIBUTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.;-]*")
TRIED = {
    "url": "ldap_url",
    "search_dn": "ldap_search_dn",
    "search_password": "ldap_search_password",
    "base_dn": "ldap_base_dn",
    "filter": "ldap_filter",
    "uid": "ldap_uid",
    "scope": "ldap_scope",
    "timeout_s": "ldap_connection_timeout",
    "verify_cert": "ldap_verify_cert",
}  # our names and those of what is tried
SPECIAL = str.maketrans({letter: f"\\{ord(letter):02x}" for letter in "\\*()\0"})


class LdapSettings(Struct, frozen=True):
    """How to reach an LDAP server, and where people and groups are in it."""

    url: str
    search_dn: str
    search_password: str
    base_dn: str
    filter: str
    uid: str
    scope: int
    timeout_s: int
    verify_cert: bool
    membership: str
    group_base_dn: str = ""
    group_filter: str = ""
    group_name: str = ""
    group_scope: int = 2
    group_admin_dn: str = ""
    nested: bool = False

    @property
    def groups_below(self) -> str:
        return self.group_base_dn or self.base_dn


def settings_of(values: Values) -> LdapSettings:
    return LdapSettings(
        url=values.ldap_url,
        search_dn=values.ldap_search_dn,
        search_password=values.ldap_search_password,
        base_dn=values.ldap_base_dn,
        filter=values.ldap_filter,
        uid=values.ldap_uid,
        scope=values.ldap_scope,
        timeout_s=values.ldap_timeout,
        verify_cert=values.ldap_verify_cert,
        membership=values.ldap_group_membership_attribute or "memberof",
        group_base_dn=values.ldap_group_base_dn,
        group_filter=values.ldap_group_search_filter,
        group_name=values.ldap_group_attribute_name,
        group_scope=values.ldap_group_search_scope,
        group_admin_dn=values.ldap_group_admin_dn,
        nested=values.ldap_group_nested,
    )


class Address(Struct, frozen=True):
    host: str
    port: int
    tls: bool


def address_of(url: str) -> Address:
    """Where the server is; ``BadRequest`` if the URL names none."""
    text = url.strip()
    try:
        found = urlsplit(text if "://" in text else f"ldap://{text}")
        port = found.port
    except ValueError as error:
        raise BadRequest("ldap_url is to be like ldaps://ldap.example.com:636") from error
    if found.scheme not in PORTS or not found.hostname:
        raise BadRequest("ldap_url is to be like ldaps://ldap.example.com:636")
    port = port or PORTS[found.scheme]
    return Address(found.hostname, port, found.scheme == "ldaps" or port == LDAPS_PORT)


def escaped(text: str) -> str:
    """*text* as a value in a filter that means nothing but itself (RFC 4515)."""
    return text.translate(SPECIAL)


def enclosed(text: str) -> str:
    """A filter as an administrator wrote it, with its parentheses; "" for none."""
    inner = text.strip()
    return inner if not inner or inner.startswith("(") else f"({inner})"


def attribute(name: str) -> str:
    """The name of an attribute; ``BadRequest`` if it would be more than that in a filter."""
    if not ATTRIBUTE.fullmatch(name):
        raise BadRequest("an attribute of LDAP has letters, digits, dots and hyphens only")
    return name


def both(first: str, second: str) -> str:
    """A filter that asks for both; the first may be empty."""
    return f"(&{first}{second})" if first else second


def of_person(settings: LdapSettings, name: str, *, part: bool = False) -> str:
    """The filter for the person of that name, or for all who have that *part* in theirs.

    An empty name is everybody's.
    """
    around = "*" if part else ""
    value = f"{around}{escaped(name)}{around}" if name else "*"
    return both(enclosed(settings.filter), f"({attribute(settings.uid)}={value})")


def of_groups(settings: LdapSettings, name: str) -> str:
    """The filter for groups whose names hold *name*; for all of them if it is empty."""
    value = f"*{escaped(name)}*" if name else "*"
    by_name = f"({attribute(settings.group_name or 'cn')}={value})"
    return both(enclosed(settings.group_filter), by_name)


def of_groups_around(settings: LdapSettings, dn: str) -> str:
    """The filter for the groups that somebody is in, also by being in a group inside them."""
    return both(enclosed(settings.group_filter), f"(member:{IN_CHAIN}:={escaped(dn)})")


def tried(values: Values, told: LdapConf) -> LdapSettings:
    """Settings to be tried in place of the stored ones.

    The stored password goes to no other server and no other account than the stored ones.
    """
    stored = settings_of(values)
    given = {mine: getattr(told, theirs) for mine, theirs in TRIED.items()}
    given = {mine: value for mine, value in given.items() if value is not None}
    wanted = replace(stored, **given)
    moved = (wanted.url, wanted.search_dn) != (stored.url, stored.search_dn)
    weaker = stored.verify_cert and not wanted.verify_cert
    if told.ldap_search_password:
        return wanted
    if moved or weaker:
        return replace(wanted, search_password="")
    return replace(wanted, search_password=stored.search_password)
