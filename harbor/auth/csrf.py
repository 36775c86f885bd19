"""Requests that another site's page made a browser send: told apart, and refused.

A browser adds the cookie ``sid`` to whatever is sent here, so a request that changes something
must show that it was meant: by a token, in a header that no other site can set, or, from our own
pages, by what the browser itself says of where it comes from. The token is derived from the value
of the cookie, so that it need not be kept, holds in every process, and ends with the cookie.

Source: Harbor src/server/middleware/csrf/csrf.go; its clients know the names of header and cookie.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from urllib.parse import urlsplit

from starlette.requests import Request

from harbor.auth import cookies
from harbor.core import web
from harbor.core.crypto import same
from harbor.core.errors import Forbidden
from harbor.core.settings import Settings

HEADER = "X-Harbor-CSRF-Token"
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
LOG_IN, LOG_OUT = "/c/login", "/c/log_out"
# Where a browser's word for the request's origin may stand for a token: forms cannot set headers.
PAGES = ("/harbor/", "/account/", "/c/", "/oidc-onboard/")
COOKIELESS = ("/v2", "/static/")  # where no cookie is looked at
PORTS = {"http": 80, "https": 443}


class Csrf:
    def __init__(self, key: bytes, settings: Settings) -> None:
        self._key, self._settings = key, settings

    def token(self, sid: str) -> str:
        """What whoever has the cookie *sid* must send back."""
        return self._derived("token", sid)

    def greet(self, request: Request, sid: str) -> None:
        """Make the answer, whatever it will be, tell the token of *sid*."""
        name, cookie = HEADER.lower().encode(), f"{cookies.CSRF}=".encode()
        others = [
            each
            for each in request.scope.get(web.HEADERS, ())
            if each[0] != name and not each[1].startswith(cookie)
        ]
        headers = [(name, self.token(sid).encode())]
        expected = self._derived("cookie", sid)
        if not same(cookies.sent(request, cookies.CSRF), expected):
            secure = cookies.is_secure(request, self._settings)
            headers.append(cookies.kept(cookies.CSRF, expected, same_site="Strict", secure=secure))
        request.scope[web.HEADERS] = [*others, *headers]

    def check(self, request: Request) -> None:
        """Raise ``Forbidden`` if another site may be behind a request that changes something."""
        path = request.scope["path"].rstrip("/")
        of_page = f"{path}/".startswith(PAGES)
        sid = cookies.sent(request, cookies.SID)
        # Credentials in the request itself go before the cookie; no page sends them by itself.
        by_cookie = bool(sid) and "authorization" not in request.headers
        if not of_page and not by_cookie:
            return
        if self._is_foreign(request):
            raise Forbidden("CSRF token invalid: another site's page sent this request")
        if not by_cookie or path == LOG_IN or (of_page and self._is_own(request)):
            return
        told = request.headers.get(HEADER)
        if told is None:
            raise Forbidden(f"CSRF token not found in request: {HEADER} must be sent back")
        beside = cookies.sent(request, cookies.CSRF)
        if not (same(told, self.token(sid)) & same(beside, self._derived("cookie", sid))):
            raise Forbidden("CSRF token invalid")

    def check_log_out(self, request: Request) -> None:
        """Harbor's logout is a GET, so that any page could send it."""
        if self._is_foreign(request):
            raise Forbidden("CSRF token invalid: another site's page sent this request")

    def check_page(self, request: Request) -> None:
        """Where only somebody before a browser may ask: raise ``Forbidden`` to programs."""
        if not self._is_own(request):
            raise Forbidden("only a page of this registry may send this")

    def _derived(self, purpose: str, sid: str) -> str:
        raw = hmac.digest(self._key, f"{purpose}\0{sid}".encode(), hashlib.sha256)
        return urlsafe_b64encode(raw).decode().rstrip("=")

    def _is_own(self, request: Request) -> bool:
        """Whether the browser says that a page of ours sent this."""
        if site := request.headers.get("sec-fetch-site"):
            return site == "same-origin"
        return "origin" in request.headers and not self._is_foreign(request)

    def _is_foreign(self, request: Request) -> bool:
        """Whether the browser says that a page of somebody else's sent this.

        "none" is the user's own doing, as a bookmark. Old browsers, and all by plain HTTP, say
        ``Origin`` only; programs say nothing.
        """
        if site := request.headers.get("sec-fetch-site"):
            return site not in ("same-origin", "none")
        origin = request.headers.get("origin")
        return origin is not None and not self._is_ours(request, origin)

    def _is_ours(self, request: Request, origin: str) -> bool:
        scheme, _, place = origin.partition("://")
        if scheme not in PORTS or (scheme == "http" and cookies.is_secure(request, self._settings)):
            return False
        external = urlsplit(self._settings.external_url)
        names = {request.headers.get("host", ""), external.netloc} - {""}
        return bare(place, scheme) in {bare(name, scheme) for name in names}


def bare(place: str, scheme: str) -> str:
    """Host and port, in small letters and without the port that the scheme implies."""
    return place.lower().removesuffix(f":{PORTS[scheme]}")
