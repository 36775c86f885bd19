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


def names(request: Request, prefix: str) -> list[str]:
    """The names of the cookies that begin so, in the order of the browser: the oldest first."""
    pairs = ";".join(request.headers.getlist("cookie")).split(";")
    found = (pair.partition("=")[0].strip() for pair in pairs)
    return list(dict.fromkeys(name for name in found if name.startswith(prefix)))


def kept(
    name: str, value: str, *, same_site: str, secure: bool, life_s: int | None = None
) -> tuple[bytes, bytes]:
    """The header that makes a browser keep a cookie, away from scripts.

    It is kept for so many seconds, or else until the browser is closed.
    """
    line = f"{name}={value}; Path=/; HttpOnly; SameSite={same_site}"
    if life_s is not None:
        line += f"; Max-Age={life_s}"
    return b"set-cookie", (line + "; Secure" if secure else line).encode("latin-1")


def dropped(name: str, *, same_site: str, secure: bool) -> tuple[bytes, bytes]:
    """The header that makes a browser forget a cookie."""
    return kept(name, "", same_site=same_site, secure=secure, life_s=0)
