"""What is said: tokens, sign-in, rights and passwords."""

from typing import Annotated, Literal

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
    code: Annotated[str, Meta(max_length=64)] = ""  # of the second factor, if there is one


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
    local: bool = False  # ask for name and password, also where people come from a provider


class CallbackQuery(Struct):
    """What a provider sends a browser back with."""

    code: Annotated[str, Meta(max_length=8192)] = ""
    state: Annotated[str, Meta(max_length=8192)] = ""
    error: Annotated[str, Meta(max_length=8192)] = ""
    error_description: Annotated[str, Meta(max_length=8192)] = ""
    iss: Annotated[str, Meta(max_length=2048)] = ""


class OnboardReq(Struct):
    """The name that somebody chose."""

    username: Annotated[str, Meta(max_length=255)]


class ChosenName(Struct):
    """The name that somebody entered."""

    username: Annotated[str, Meta(max_length=255)] = ""
    redirect_url: str = "/harbor/projects"


class ChooseName(Struct, frozen=True):
    """What the page shows on which somebody from a provider chooses a name."""

    username: str  # proposed
    redirect_url: str


class SecretForm(Struct):
    """Another secret for clients; if it is empty, one is made."""

    secret: Annotated[str, Meta(max_length=255)] = ""


class SecretPage(Struct, frozen=True):
    """The secret of somebody's clients."""

    username: str
    secret: str


class OidcEndpoint(Struct):
    """A provider to try."""

    url: Annotated[str, Meta(max_length=2048)] = ""
    verify_cert: bool = True


class OidcTry(Struct):
    """What of the form of the configuration is needed to try a provider."""

    oidc_endpoint: Annotated[str, Meta(max_length=2048)] = ""
    oidc_verify_cert: bool = False


class OidcTried(Struct, frozen=True):
    """What came of it; ``problem`` is empty if the provider can be used."""

    problem: str


class SignInForm(Struct):
    """What somebody enters to sign in."""

    principal: Annotated[str, Meta(max_length=255)]
    password: str
    redirect_url: str = "/harbor/projects"
    remember: bool = False


class Answer(Struct):
    """What shows that somebody has their second factor: a code, or what a passkey signed."""

    code: Annotated[str, Meta(max_length=64)] = ""
    passkey: Annotated[str, Meta(max_length=16_384)] = ""  # JSON, as the browser made it
    ticket: Annotated[str, Meta(max_length=4096)] = ""  # that the passkey's challenge follows from


class Question(Struct, frozen=True):
    """What a form asks for that takes an ``Answer``."""

    ticket: str
    options: str  # JSON, for the browser; "" if there is no passkey to be used here
    has_authenticator: bool  # else a code can only be one for a lost passkey


class CodeForm(Answer, kw_only=True):
    """What somebody enters after the password, who has a second factor."""

    ticket: Annotated[str, Meta(max_length=4096)]
    redirect_url: str = "/harbor/projects"
    remember: bool = False


class PasskeyForm(Answer, kw_only=True):
    """What a browser sends of a passkey that is all that is asked for."""

    ticket: Annotated[str, Meta(max_length=4096)]
    redirect_url: str = "/harbor/projects"


class CodePage(Struct, frozen=True):
    """What the page shows that asks for the second factor."""

    asked: Question
    redirect_url: str
    remember: bool


class SignInPage(Struct, frozen=True):
    """What the page shows on which one signs in."""

    redirect_url: str
    name: str
    host: str
    local: bool  # accounts are kept here, and nowhere else
    asked: bool  # somebody was sent here by a page that needs an account
    open: bool  # people may make accounts for themselves
    provider: str  # what the OpenID provider is called; "" if there is none
    way_in: str  # the address that leads there
    passkey: Question | None  # instead of a password; None if nobody has one here
    resets: bool  # who has forgotten a password may have a link sent
    popular: list[Popular]  # repositories that everybody may pull from


# In repositories: pull, push, delete. Everything else: read, write.
TokenAction = Literal["pull", "push", "delete", "read", "write"]
TokenDays = Annotated[int, Meta(ge=-1, le=3650)]  # -1: without end


class AccessTokenReq(Struct):
    """A personal access token to make."""

    name: Annotated[str, Meta(max_length=64)]
    actions: Annotated[list[TokenAction], Meta(max_length=10)]
    projects: Annotated[list[Annotated[str, Meta(max_length=255)]], Meta(max_length=100)] | None = (
        None  # by name; left out: all
    )
    duration: TokenDays = 30


class OfProject(Struct):
    """A project that a token is for."""

    project_id: int
    name: str


class AccessTokenResp(Struct):
    """A personal access token, without its secret."""

    id: int
    name: str
    actions: list[str]
    projects: list[OfProject] | None  # null: all
    creation_time: Time
    expires_at: Time | None  # null: never
    last_used: Time | None
    last_address: str


class NewAccessToken(Struct):
    """A personal access token with its secret, which is told once."""

    id: int
    name: str
    secret: str
    expires_at: Time | None


class SessionResp(Struct):
    """A browser in which somebody has signed in."""

    id: str
    address: str  # of the browser, when it signed in
    user_agent: str
    creation_time: Time
    last_seen: Time
    current: bool  # it is the one that asks


class LockoutQuery(Struct):
    """What was counted: wrong passwords for a name, from an address, or both."""

    name: Annotated[str, Meta(max_length=255)] = ""
    address: Annotated[str, Meta(max_length=64)] = ""


class LockoutResp(Struct):
    """Somebody who guesses passwords, or has forgotten one."""

    name: str  # empty: whatever names
    address: str  # empty: from wherever
    wrong: int  # passwords in a row
    last: Time
    until: Time  # nothing is tried before
