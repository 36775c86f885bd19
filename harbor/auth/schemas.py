"""What is said: tokens, sign-in, rights and passwords."""

from typing import Annotated

from msgspec import Meta, Struct

from harbor.artifacts.service.popular import Popular
from harbor.core.wire import Time


class TokenQuery(Struct):
    """Which token; ``scope`` may come several times, or hold several, parted by spaces."""

    service: str = ""
    scope: str = ""
    account: str = ""
    client_id: str = ""
    offline_token: str = ""


class Token(Struct):
    """A registry token. Clients read ``token``, or ``access_token``, which is the same."""

    token: str
    access_token: str
    expires_in: int  # seconds
    issued_at: Time


class LoginForm(Struct):
    """Who signs in with a browser."""

    principal: Annotated[str, Meta(max_length=255)]  # a username or an e-mail address
    password: str


class TakenForm(Struct):
    """A name or an address that somebody would like to have."""

    target: str  # username, email
    value: Annotated[str, Meta(max_length=255)]


class PermissionQuery(Struct):
    """Whose resources: ``/project/7`` or ``/system``; *relative* leaves that out of the answer."""

    scope: str = ""
    relative: bool = False


class Permission(Struct):
    """An action that the caller may do to a resource."""

    resource: str
    action: str


class PasswordReq(Struct):
    """Another password; administrators need not know the old one, except their own."""

    old_password: str = ""
    new_password: str = ""


class SignInQuery(Struct):
    """Where to go afterwards."""

    redirect_url: str = "/harbor/projects"


class SignInForm(Struct):
    """What somebody enters to sign in."""

    principal: Annotated[str, Meta(max_length=255)]
    password: str
    redirect_url: str = "/harbor/projects"
    remember: bool = False


class SignInPage(Struct, frozen=True):
    """What the page shows on which one signs in."""

    redirect_url: str
    name: str
    host: str
    local: bool  # accounts are kept here, and nowhere else
    asked: bool  # somebody was sent here by a page that needs an account
    open: bool  # people may make accounts for themselves
    popular: list[Popular]  # repositories that everybody may pull from
