"""Where clients find this server: scheme and host as they see them."""

import re

from starlette.requests import Request

HOST = re.compile(r"[A-Za-z0-9._\-\[\]:]{1,260}")


def of(request: Request, external_url: str) -> str:
    """Scheme and host of this client's request: a registry may be reached by several names.

    The scheme is that of *external_url*, if there is one, for TLS may end in front of us; else
    it is the connection's, or what a trusted proxy's ``X-Forwarded-Proto`` says, which the server
    has put in its place.
    """
    host = request.headers.get("host", "")
    if not HOST.fullmatch(host):
        # What is no host is not repeated; Starlette's base_url would do so.
        listening = Request(dict(request.scope) | {"headers": []})
        return external_url or str(listening.base_url).rstrip("/")
    scheme = external_url.partition("://")[0] if external_url else request.url.scheme
    return f"{scheme}://{host}"
