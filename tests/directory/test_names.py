"""Names and filters of LDAP, without a server."""

import pytest

from harbor.configuration.schemas import Values
from harbor.core.errors import BadRequest
from harbor.directory.schemas import LdapConf
from harbor.directory.service import filters, names
from harbor.directory.service.filters import Address, address_of, settings_of, tried

SETTINGS = settings_of(
    Values(
        ldap_url="ldap://here",
        ldap_base_dn="dc=b",
        ldap_uid="uid",
        ldap_filter="objectClass=person",
        ldap_search_dn="cn=s",
        ldap_search_password="secret",
    )
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=Leaders, OU=Groups,DC=a", "cn=leaders,ou=groups,dc=A"),
        ("cn=a  b,dc=x", "cn=A B,dc=x"),
        (r"cn=a\2c b,dc=x", r"cn=a\, b,dc=x"),
        (r"cn=\C3\A4,dc=x", "cn=ä,dc=x"),
        ("cn = a , dc = x", "cn=a,dc=x"),
    ],
)
def test_equal_names_are_equal(one: str, other: str) -> None:
    assert names.folded(one) == names.folded(other)


def test_an_escaped_comma_makes_no_other_name() -> None:
    assert names.folded(r"cn=a\,dc=x") != names.folded("cn=a,dc=x")
    assert names.parts(r"cn=a\,b,dc=x") == [r"cn=a\,b", "dc=x"]
    assert not names.is_below(r"cn=x\,dc=a", "dc=a")
    assert names.is_below("cn=x,DC=A", "dc=a")
    assert not names.is_below("cn=x,dc=aa", "dc=a")
    assert names.is_below("cn=x", "")


@pytest.mark.parametrize(
    "text", ["", "x", "cn=", "cn=a,,dc=b", "=a", "cn=a,b", "\\", "cn=a,dc=b\\"]
)
def test_what_is_no_name_is_told(text: str) -> None:
    names.folded(text)
    assert names.is_dn("cn=a,dc=b")
    assert not names.is_dn(text) or text == "cn=a,dc=b\\"


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("ann", "ann"),
        ("*", r"\2a"),
        ("a)(uid=*", r"a\29\28uid=\2a"),
        ("a\\", r"a\5c"),
        ("a\0", r"a\00"),
        ("ä", "ä"),
    ],
)
def test_what_was_typed_means_nothing_in_a_filter(typed: str, value: str) -> None:
    assert filters.of_person(SETTINGS, typed) == f"(&(objectClass=person)(uid={value}))"


def test_filters_for_everybody_and_for_groups() -> None:
    assert filters.of_person(SETTINGS, "") == "(&(objectClass=person)(uid=*))"
    assert filters.of_groups(SETTINGS, "a*") == r"(cn=*a\2a*)"
    assert filters.of_groups_around(SETTINGS, "cn=(a)") == (
        r"(member:1.2.840.113556.1.4.1941:=cn=\28a\29)"
    )
    assert filters.enclosed(" (a=b) ") == "(a=b)"
    with pytest.raises(BadRequest):
        filters.attribute("uid)(x")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("ldap.example.com", Address("ldap.example.com", 389, False)),
        ("ldap.example.com:636", Address("ldap.example.com", 636, True)),
        ("ldaps://ldap.example.com", Address("ldap.example.com", 636, True)),
        ("ldaps://[::1]:1636", Address("::1", 1636, True)),
        ("ldap://ldap.example.com:3890", Address("ldap.example.com", 3890, False)),
    ],
)
def test_where_the_server_is(url: str, found: Address) -> None:
    assert address_of(url) == found


@pytest.mark.parametrize("url", ["", "http://x", "ldap://", "ldap://x:port", "ldap://x:99999"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        address_of(url)


def test_the_stored_password_goes_to_the_stored_server_only() -> None:
    def password(told: LdapConf) -> str:
        values = Values(
            ldap_url="ldap://here", ldap_search_dn="cn=s", ldap_search_password="secret"
        )
        return tried(values, told).search_password

    assert password(LdapConf()) == "secret"
    assert password(LdapConf(ldap_search_password="", ldap_url="ldap://here")) == "secret"
    assert password(LdapConf(ldap_url="ldap://elsewhere")) == ""
    assert password(LdapConf(ldap_search_dn="cn=other")) == ""
    assert password(LdapConf(ldap_verify_cert=False)) == ""
    assert password(LdapConf(ldap_url="ldap://x", ldap_search_password="new")) == "new"
