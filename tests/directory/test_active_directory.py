"""What an Active Directory does in its own way: names, disabled accounts, groups in groups."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from harbor.directory.service.filters import LdapSettings
from harbor.directory.service.ldap_client import Client
from harbor.directory.service.people import Person
from tests.directory import samba
from tests.directory.samba import ADDRESS, BASE, PASSWORD, SEARCHER

pytestmark = pytest.mark.clients
SETTINGS = LdapSettings(
    url=f"ldap://{ADDRESS}",
    search_dn=SEARCHER,
    search_password=PASSWORD,
    base_dn=BASE,
    filter="(&(objectCategory=person)(objectClass=user))",
    uid="sAMAccountName",
    scope=2,
    timeout_s=10,
    verify_cert=True,
    membership="memberof",
    group_filter="(objectClass=group)",
    group_name="cn",
    group_admin_dn=f"cn=outer,cn=users,{BASE.lower()}",
)


@pytest.fixture(scope="module", autouse=True)
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with samba.running_samba(tmp_path_factory.mktemp("samba")) as administrator:
        ann = samba.add_person(administrator, "ann")
        samba.add_person(administrator, "dan", kind=samba.DISABLED)
        inner = samba.add_group(administrator, "inner", ann)
        samba.add_group(administrator, "outer", inner)
        yield


def sign_in(settings: LdapSettings, name: str, password: str) -> Person | None:
    with closing(Client(settings)) as client:
        return client.sign_in(name, password)


def test_people_sign_in_unless_their_account_is_disabled() -> None:
    ann = sign_in(SETTINGS, "ANN", "ann-Passw0rd")
    assert ann is not None
    assert (ann.username, ann.realname, ann.email) == ("ann", "Ann Lee", "ann@example.com")
    assert sign_in(SETTINGS, "ann", "wrong") is None
    assert sign_in(SETTINGS, "dan", "dan-Passw0rd") is None


def test_groups_in_groups_count_if_wanted() -> None:
    alone = sign_in(SETTINGS, "ann", "ann-Passw0rd")
    nested = sign_in(replace(SETTINGS, nested=True), "ann", "ann-Passw0rd")
    assert alone is not None
    assert nested is not None
    assert ([group.name for group in alone.groups], alone.is_admin) == (["inner"], False)
    assert ([group.name for group in nested.groups], nested.is_admin) == (["inner", "outer"], True)


def test_all_people_and_groups_are_found() -> None:
    with closing(Client(SETTINGS)) as client:
        assert {"ann", "dan"} < {person.username for person in client.people("")}
        (group,) = client.groups("oute")
        assert (group.name, client.group(group.dn)) == ("outer", group)


def test_the_certificate_counts() -> None:
    secure = replace(SETTINGS, url=f"ldaps://{ADDRESS}")
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        sign_in(secure, "ann", "ann-Passw0rd")
    assert sign_in(replace(secure, verify_cert=False), "ann", "ann-Passw0rd") is not None
