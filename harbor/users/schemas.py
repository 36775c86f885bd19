"""What is said: people as callers name and see them."""

from typing import Annotated

from msgspec import Meta, Struct

from harbor.core.wire import Time


class UserCreationReq(Struct):
    """A person to create. What each field may hold is the service's to say, as in Harbor."""

    username: Annotated[str, Meta(max_length=255)] = ""
    email: Annotated[str, Meta(max_length=255)] = ""
    realname: str = ""
    comment: str = ""
    password: str = ""


class UserResp(Struct, kw_only=True, omit_defaults=True):
    """A person; what is empty is left out."""

    user_id: int
    username: str
    email: str | None = None
    realname: str = ""
    comment: str = ""
    sysadmin_flag: bool
    admin_role_in_auth: bool  # a right that comes from LDAP or OIDC, for one session
    creation_time: Time
    update_time: Time
