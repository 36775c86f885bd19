"""What is done: ask a UAA server of Cloud Foundry who somebody is."""

from collections.abc import Mapping

from harbor.configuration.schemas import Values
from harbor.core.errors import Unavailable
from harbor.directory.service import web
from harbor.directory.service.people import UAA_AUTH, Person


async def sign_in(values: Values, name: str, password: str) -> Person | None:
    """The person, if that is the password; ``Unavailable`` if the server does not answer."""
    base = values.uaa_endpoint.rstrip("/")
    context = web.trust(verify=values.uaa_verify_cert)
    status, told = await web.post(
        f"{base}/oauth/token",
        context,
        data={"grant_type": "password", "username": name, "password": password},
        auth=(values.uaa_client_id, values.uaa_client_secret),
    )
    if status != web.OK:
        return None
    token = told.get("access_token")
    if not isinstance(token, str) or not token.isprintable() or not token.isascii():
        raise Unavailable("the UAA server gives no token")
    status, about = await web.post(
        f"{base}/userinfo", context, method="GET", headers={"Authorization": f"Bearer {token}"}
    )
    username = text(about, "user_name") if status == web.OK else ""
    if not username:  # what was typed may be another name of the same person
        raise Unavailable("the UAA server does not say whose token it gave")
    return Person(
        UAA_AUTH,
        username=username,
        realname=text(about, "name"),
        email=text(about, "email"),
    )


def text(told: Mapping[str, object], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""
