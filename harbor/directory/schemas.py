"""What is said: groups, and people and groups of LDAP."""

from typing import Annotated

from msgspec import Meta, Struct

from harbor.core.wire import Id, Paging

Name = Annotated[str, Meta(max_length=255)]
DN = Annotated[str, Meta(max_length=512)]
Text = Annotated[str, Meta(max_length=4096)]


class UserGroupReq(Struct):
    """A group to make, or another name for one."""

    id: Id | None = None
    group_name: Name = ""
    group_type: int | None = None  # where it comes from: 1 LDAP, 2 HTTP, 3 OIDC, 4 here
    ldap_group_dn: DN = ""


class UserGroup(Struct):
    id: int
    group_name: str
    group_type: int
    ldap_group_dn: str


class GroupQuery(Paging, kw_only=True):
    """Which groups."""

    ldap_group_dn: DN = ""
    group_name: Name = ""  # a part of it


class GroupNameQuery(Paging, kw_only=True):
    """What to look for."""

    groupname: Annotated[str, Meta(min_length=1, max_length=255)]  # a part of the name


class UserGroupSearchItem(Struct):
    """A group as everybody who has signed in may find it."""

    id: int
    group_name: str
    group_type: int


class GroupMemberReq(Struct):
    """Somebody to put into a local group: an id, or a name."""

    user_id: Id | None = None
    username: Name = ""


class GroupMember(Struct):
    """Somebody in a group."""

    user_id: int
    username: str


class LdapConf(Struct):
    """Settings to be tried; what is left out is as it is stored."""

    ldap_url: Text | None = None
    ldap_search_dn: Text | None = None
    ldap_search_password: Text | None = None  # empty: the stored one, for the stored server
    ldap_base_dn: Text | None = None
    ldap_filter: Text | None = None
    ldap_uid: Text | None = None
    ldap_scope: Annotated[int, Meta(ge=0, le=2)] | None = None
    ldap_connection_timeout: Annotated[int, Meta(ge=1, le=60)] | None = None  # seconds
    ldap_verify_cert: bool | None = None


class LdapPingResult(Struct):
    """Whether the server answered, and why not."""

    success: bool
    message: str = ""


class LdapUserQuery(Struct):
    """Whom to look for; nothing is everybody."""

    username: Name = ""


class LdapGroupQuery(Struct):
    """Which groups to look for: those of a name, or the one of a DN."""

    groupname: Name = ""
    groupdn: DN = ""


class LdapUser(Struct):
    username: str
    realname: str
    email: str


class LdapImportUsers(Struct):
    """Whom to give an account here."""

    ldap_uid_list: Annotated[list[Name], Meta(max_length=1000)]


class LdapFailedImportUser(Struct):
    """Who was not imported, and why."""

    uid: str
    error: str
