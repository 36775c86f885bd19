"""Cookies: what a browser sent, and how it is told to keep one."""

from starlette.requests import Request

from harbor.core.settings import Settings

SID = "sid"  # the secret of a session
CSRF = "_gorilla_csrf"
MAX_LENGTH = 256  # characters; ours are shorter


def sent(request: Request, name: str) -> str:
    """The value of that cookie; empty if there is none, or several that differ.

    A page of another host in our domain can add a cookie, and then nobody knows which one is ours.
    """
    found = set()
    for line in request.headers.getlist("cookie"):
        for pair in line.split(";"):
            key, _, value = pair.partition("=")
            if key.strip() == name:
                found.add(value.strip().strip('"'))
    value = found.pop() if len(found) == 1 else ""
    return value if len(value) <= MAX_LENGTH else ""


def is_secure(request: Request, settings: Settings) -> bool:
    """Whether the client reaches us by HTTPS, as far as we know."""
    return "https" in (request.scope["scheme"], settings.external_url.partition("://")[0])


def kept(name: str, value: str, *, same_site: str, secure: bool) -> tuple[bytes, bytes]:
    """The header that makes a browser keep a cookie until it is closed, away from scripts."""
    line = f"{name}={value}; Path=/; HttpOnly; SameSite={same_site}"
    return b"set-cookie", (line + "; Secure" if secure else line).encode("latin-1")


def dropped(name: str, *, same_site: str, secure: bool) -> tuple[bytes, bytes]:
    """The header that makes a browser forget a cookie."""
    header, line = kept(name, "", same_site=same_site, secure=secure)
    return header, line + b"; Max-Age=0"
