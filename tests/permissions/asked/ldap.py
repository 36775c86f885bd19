from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    nowhere = {"ldap_url": "ldap://127.0.0.1:1", "ldap_search_dn": "cn=a,dc=b"}
    return {
        "pingLdap": lambda: {"json": nowhere},
        "importLdapUser": lambda: {"json": {"ldap_uid_list": []}},
        "importGroup": lambda: {"data": {"ldap_group_dn": "cn=a,dc=b"}},
        "tryLdap": lambda: {"data": nowhere},
        "saveAuthentication": lambda: {"data": {"auth_mode": "db_auth"}},
    }
