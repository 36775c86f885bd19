"""What is done: say what an account may hold, and where it may be changed."""

import re
from unicodedata import category

from harbor.configuration.schemas import Values
from harbor.core.errors import BadRequest, Forbidden
from harbor.core.security import Principal
from harbor.users.models import ADMIN_ID, User
from harbor.users.schemas import UserCreationReq, UserProfile

DB_AUTH = "db_auth"
OIDC_AUTH = "oidc_auth"
MAX_NAME = 255
MAX_COMMENT = 30
FORBIDDEN = frozenset(',"~#%$')  # in usernames and real names
PASSWORD_LENGTHS = range(8, 129)
PASSWORD_KINDS = tuple(map(re.compile, ("[a-z]", "[A-Z]", "[0-9]")))
EMAIL = re.compile(
    r'(?:[^<>()\[\]\\.,;:\s@"]+(?:\.[^<>()\[\]\\.,;:\s@"]+)*|"[^"\r\n]+")'
    r"@(?:\[[0-9]{1,3}(?:\.[0-9]{1,3}){3}\]|(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,})"
)


def has_oidc(values: Values) -> bool:
    """Whether people may come from an OpenID provider."""
    return OIDC_AUTH in values.sources


def check_password(password: str) -> None:
    """Raise ``BadRequest`` unless *password* satisfies the rule for passwords and secrets."""
    kinds = all(kind.search(password) for kind in PASSWORD_KINDS)
    if not kinds or len(password) not in PASSWORD_LENGTHS:
        raise BadRequest(
            "the password or secret must be 8-128, inclusively, characters long "
            "with at least 1 uppercase letter, 1 lowercase letter and 1 number"
        )


def check(person: UserCreationReq) -> None:
    """Raise ``BadRequest`` for the first thing about *person* that is not allowed.

    Source: Harbor src/server/v2.0/handler/user.go, ``validateUserProfile``.
    """
    check_password(person.password)
    if not person.email:
        raise BadRequest("email can't be empty")
    check_profile(person)
    check_name("username", person.username)


def check_profile(person: UserCreationReq | UserProfile) -> None:
    """Raise ``BadRequest`` for what is not allowed; whether there must be an email is not asked."""
    if person.email and not EMAIL.fullmatch(person.email):
        raise BadRequest("email with illegal format")
    check_name("realname", person.realname)
    if len(person.comment) > MAX_COMMENT:
        raise BadRequest("comment with illegal length")


def check_name(field: str, name: str) -> None:
    """Harbor's rule; beside it, nothing that would begin a new line in a log or a header."""
    if not 1 <= len(name) <= MAX_NAME:
        raise BadRequest(f"{field} with illegal length")
    if not FORBIDDEN.isdisjoint(name) or any(category(letter) == "Cc" for letter in name):
        raise BadRequest(f"{field} contains illegal characters")


def refuse_name_of_robot(name: str, prefix: str) -> None:
    """``BadRequest`` if robots are called like that: nobody would know which of them did what."""
    if name.casefold().startswith(prefix.casefold()):
        raise BadRequest(f"username begins as names of robots do: {prefix}")


def check_mode_for_new(auth_mode: str) -> None:
    """``Forbidden`` where people come from elsewhere."""
    if auth_mode != DB_AUTH:
        raise Forbidden(f"creating local user is not allowed under auth mode: {auth_mode}")


def refuse_robot(who: Principal) -> None:
    """``Forbidden`` to robots: with somebody's password they would be more than they are."""
    if who.robot is not None:
        raise Forbidden(f"{who.name} is a robot; passwords and administrators are for people")


def check_local(user: User) -> None:
    """``Forbidden`` if that account comes from elsewhere, whatever the mode is by now."""
    if user.source:
        raise Forbidden(f"user {user.user_id} comes from {user.source}, and is changed there")


def check_mode(auth_mode: str, user_id: int, *, who: Principal) -> None:
    """``Forbidden`` where that person comes from elsewhere, with profile and password."""
    if auth_mode != DB_AUTH and not (user_id == ADMIN_ID and who.is_admin):
        raise Forbidden(f"user {user_id} can not be changed here under auth mode: {auth_mode}")
