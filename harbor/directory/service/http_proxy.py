"""What is done: ask an HTTP auth proxy who somebody is.

It takes name and password and gives a token, which the Kubernetes API ``TokenReview`` explains.
"""

from ssl import SSLContext

import msgspec
from msgspec import Struct, field

from harbor.configuration.schemas import Values
from harbor.core.errors import Unavailable
from harbor.directory.service import web
from harbor.directory.service.groups import Known
from harbor.directory.service.people import HTTP_AUTH, Person

REVIEW = {"apiVersion": "authentication.k8s.io/v1beta1", "kind": "TokenReview"}
WITH_TOKEN = "tokenreview$"  # noqa: S105, before the name of who sends a token as password
MAX_GROUPS = 500


class Reviewed(Struct):
    username: str = ""
    groups: list[str] = field(default_factory=list)


class Status(Struct):
    authenticated: bool = False
    user: Reviewed = field(default_factory=Reviewed)
    error: str = ""


class Review(Struct):
    status: Status = field(default_factory=Status)


async def sign_in(values: Values, name: str, password: str) -> Person | None:
    """The person, if the proxy says so; ``Unavailable`` if it does not answer."""
    if name.startswith(WITH_TOKEN):
        return await review(values, password, expected=name.removeprefix(WITH_TOKEN))
    status, told = await web.post(
        values.http_authproxy_endpoint, trusted(values), auth=(name, password)
    )
    if status == web.OK:
        session = told.get("session_id")
        if not isinstance(session, str) or not session:
            raise Unavailable("the auth proxy gives no session_id")
        return await review(values, session)
    return None


async def review(values: Values, token: str, *, expected: str = "") -> Person | None:
    """Whose token that is; ``None`` if nobody's, or another person's than *expected*."""
    asked = {**REVIEW, "metadata": {"creationTimestamp": None}, "spec": {"token": token}}
    status, told = await web.post(
        values.http_authproxy_tokenreview_endpoint,
        trusted(values),
        json=asked,
        headers={"Authorization": f"Bearer {token}"} if token.isprintable() else {},
    )
    if status not in (web.OK, 201):
        return None
    try:
        found = msgspec.convert(told, Review).status
    except msgspec.ValidationError as error:
        raise Unavailable("the auth proxy answers no TokenReview") from error
    user = found.user
    if not found.authenticated or not user.username or expected not in ("", user.username):
        return None
    return person_of(values, user)


def person_of(values: Values, user: Reviewed) -> Person:
    admins = listed(values.http_authproxy_admin_usernames)
    leading = listed(values.http_authproxy_admin_groups)
    fit = [name for name in user.groups if 0 < len(name) <= 255]  # noqa: PLR2004, of a name
    return Person(
        HTTP_AUTH,
        username=user.username,
        realname=user.username,
        is_admin=user.username in admins or not leading.isdisjoint(user.groups),
        groups=tuple(map(Known, fit[:MAX_GROUPS])),
    )


def listed(text: str) -> frozenset[str]:
    """The names in a list with commas."""
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def trusted(values: Values) -> SSLContext:
    return web.trust(
        verify=values.http_authproxy_verify_cert,
        certificate=values.http_authproxy_server_certificate,
    )
