"""What is said: people as callers name and see them."""

from typing import Annotated

from msgspec import Meta, Struct

from harbor.core.query import Listing
from harbor.core.wire import Paging, Time

Email = Annotated[str, Meta(max_length=255)]
Entered = Annotated[str, Meta(max_length=255)]


class UserCreationReq(Struct):
    """A person to create. What each field may hold is the service's to say, as in Harbor."""

    username: Annotated[str, Meta(max_length=255)] = ""
    email: Email = ""
    realname: str = ""
    comment: str = ""
    password: str = ""


class NewPerson(Struct):
    """A person as entered in a form."""

    username: Entered = ""
    email: Entered = ""
    realname: Entered = ""
    password: str = ""
    confirm: str = ""
    comment: Entered = ""


class NameQuery(Struct):
    """A name or an address, as far as it is typed."""

    username: Entered = ""
    email: Entered = ""


class Check(Struct, frozen=True):
    """What is wrong with what is typed so far; "" if nothing is."""

    wrong: str


class UserProfile(Struct):
    """What people may say about themselves; what is left out becomes empty."""

    email: Email = ""
    realname: str = ""
    comment: str = ""


class UserListQuery(Listing, kw_only=True):
    """Which people; each text is a part of what it is compared with."""

    username: Annotated[str, Meta(max_length=255)] = ""
    email: Email = ""


class UserSysAdminFlag(Struct):
    """Whether somebody shall be an administrator; what is left out is no."""

    sysadmin_flag: bool = False


class UserQuery(Paging, kw_only=True):
    """Whom to look for."""

    username: Annotated[str, Meta(min_length=1, max_length=255)]  # a part of it


class UserSearchRespItem(Struct):
    """A person as everybody who has signed in may find them."""

    user_id: int
    username: str


class OIDCUserInfo(Struct):
    """Who somebody is at the OpenID provider, and the secret of their clients."""

    id: int
    user_id: int
    subiss: str  # subject and issuer, one after the other, as in Harbor
    secret: str
    creation_time: Time
    update_time: Time


class OIDCCliSecretReq(Struct):
    """Another secret for clients; if it is empty, one is made."""

    secret: Annotated[str, Meta(max_length=255)] = ""


class UserResp(Struct, kw_only=True, omit_defaults=True):
    """A person; what is empty is left out."""

    user_id: int
    username: str
    email: str | None = None
    realname: str = ""
    comment: str = ""
    sysadmin_flag: bool
    admin_role_in_auth: bool  # a right that comes from LDAP or OIDC, for one session
    oidc_user_meta: OIDCUserInfo | None = None  # of the caller, where people come from OIDC
    creation_time: Time
    update_time: Time
