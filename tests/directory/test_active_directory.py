"""What an Active Directory does in its own way: names, disabled accounts, groups in groups."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from harbor.directory.service.filters import LdapSettings
from harbor.directory.service.ldap_client import Client
from harbor.directory.service.people import Person
from tests.auth.browsers import browser, configure
from tests.auth.browsers import sign_in as come_in
from tests.directory import samba
from tests.directory.samba import ADDRESS, BASE, PASSWORD, SEARCHER
from tests.make import ADMIN, API, bearer, make_project, push_image

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


TOLD = {
    "auth_mode": "ldap_auth",
    "ldap_url": SETTINGS.url,
    "ldap_search_dn": SEARCHER,
    "ldap_search_password": PASSWORD,
    "ldap_base_dn": BASE,
    "ldap_filter": SETTINGS.filter,
    "ldap_uid": SETTINGS.uid,
    "ldap_group_search_filter": SETTINGS.group_filter,
    "ldap_group_attribute_name": SETTINGS.group_name,
    "ldap_group_admin_dn": SETTINGS.group_admin_dn,
}
INNER = f"cn=inner,cn=users,{BASE.lower()}"
GUEST = 3


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


def test_they_come_in_by_browser_and_by_client_with_the_rights_of_their_groups(
    client: TestClient,
) -> None:
    configure(client, **TOLD)
    make_project(client, "team")
    push_image(client, "team/app")
    member = {"role_id": GUEST, "member_group": {"ldap_group_dn": INNER, "group_type": 1}}
    joined = client.post(f"{API}/projects/team/members", json=member, auth=ADMIN)
    assert joined.status_code == 201, joined.text
    ann, dan = ("ANN", "ann-Passw0rd"), ("dan", "dan-Passw0rd")
    for wrong in (("ann", "wrong"), dan):
        assert come_in(browser(client), wrong).status_code == 401
        assert client.get("/v2/", auth=wrong).status_code == 401
    visitor = browser(client)
    assert come_in(visitor, ann).status_code == 200
    me = visitor.get(f"{API}/users/current").json()
    assert (me["username"], me["email"]) == ("ann", "ann@example.com")
    assert not me["admin_role_in_auth"]
    headers = bearer(client, ann, "repository:team/app:pull")
    assert client.get("/v2/team/app/manifests/1.0", headers=headers).status_code == 200
    configure(client, ldap_group_nested=True)  # the group of administrators holds that of ann
    assert come_in(browser(client), ann).status_code == 200
    assert visitor.get(f"{API}/users/current").json()["admin_role_in_auth"]
