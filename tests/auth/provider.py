"""A small OpenID provider, which speaks over HTTP and can be told to misbehave."""

import base64
import hashlib
import json
import secrets
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from harbor.core import clock

CLIENT = ("harbor", "the-secret-of-the-client")
STOP_S = 10
Asked = dict[str, str]


class Provider:
    """What it knows, and how it behaves; tests change both."""

    def __init__(self) -> None:
        self.url = ""
        self.key = ECKey.generate_key("P-256", auto_kid=True)
        self.person: dict[str, Any] = {"sub": "7", "name": "Ann Lee", "email": "ann@example.org"}
        self.in_token: dict[str, Any] = {}  # claims of the ID token only; None leaves one out
        self.metadata: dict[str, Any] = {}  # what discovery says otherwise
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}  # in place of the real ones
        self.refuses_refresh = False
        self.goes_on = threading.Event()  # while it is not set, nothing is answered
        self.goes_on.set()
        self.asked: list[str] = []
        self.revoked: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh_tokens: set[str] = set()

    def rotate(self) -> None:
        self.key = ECKey.generate_key("P-256", auto_kid=True)

    def token(self, **changed: Any) -> str:
        """An ID token; claims changed to ``None`` are left out."""
        now = int(clock.now().timestamp())
        claims = {"iss": self.url, "aud": CLIENT[0], "iat": now, "exp": now + 300}
        claims |= self.person | self.in_token | changed
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, kept, self.key)

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "revocation_endpoint": f"{self.url}/revoke",
            "end_session_endpoint": f"{self.url}/logout",
            "jwks_uri": f"{self.url}/keys",
        } | self.metadata

    def authorize(self, asked: dict[str, str]) -> str:
        """Somebody signs in, and is sent back there."""
        assert asked["client_id"] == CLIENT[0]
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def given(self, form: dict[str, str], client: tuple[str, str]) -> dict[str, Any]:
        """The answer of the token endpoint."""
        if client != CLIENT:
            return {"error": "invalid_client"}
        if form["grant_type"] == "refresh_token":
            if self.refuses_refresh or form["refresh_token"] not in self.refresh_tokens:
                return {"error": "invalid_grant"}
            self.refresh_tokens.discard(form["refresh_token"])
            return self.tokens()
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or asked["redirect_uri"] != form["redirect_uri"]:
            return {"error": "invalid_grant"}
        if asked["code_challenge"] != challenge:
            return {"error": "invalid_grant", "error_description": "code_verifier"}
        return self.tokens(nonce=self.in_token.get("nonce", asked["nonce"]))

    def tokens(self, **more: Any) -> dict[str, Any]:
        refresh_token = secrets.token_urlsafe(8)
        self.refresh_tokens.add(refresh_token)
        return {
            "access_token": "the-access-token",
            "token_type": "Bearer",
            "expires_in": 300,
            "refresh_token": refresh_token,
            "id_token": self.token(**more),
        }


class Server(ThreadingHTTPServer):
    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    @property
    def provider(self) -> Provider:
        assert isinstance(self.server, Server)
        return self.server.provider

    def do_GET(self) -> None:
        self.act({})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.act({name: values[0] for name, values in parse_qs(raw).items()})

    def act(self, form: dict[str, str]) -> None:
        parts = urlsplit(self.path)
        self.provider.asked.append(parts.path)
        self.provider.goes_on.wait(STOP_S)
        if parts.path in self.provider.answers:
            self.answer(*self.provider.answers[parts.path])
            return
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        DOORS[parts.path](self, asked | form)

    def discovery(self, _: Asked) -> None:
        self.answer_json(self.provider.discovery())

    def keys(self, _: Asked) -> None:
        self.answer_json({"keys": [self.provider.key.as_dict(private=False)]})

    def authorize(self, asked: Asked) -> None:
        self.answer(303, {"Location": self.provider.authorize(asked)}, b"")

    def token(self, form: Asked) -> None:
        told = self.provider.given(form, self.client())
        self.answer_json(told, 400 if "error" in told else 200)

    def user_info(self, _: Asked) -> None:
        right = self.headers["Authorization"] == "Bearer the-access-token"
        self.answer_json(self.provider.person, 200 if right else 401)

    def revoke(self, form: Asked) -> None:
        self.provider.revoked.append(form["token"])
        self.answer(200, {}, b"")

    def nothing(self, _: Asked) -> None:
        self.answer(404, {}, b"")

    def client(self) -> tuple[str, str]:
        raw = self.headers["Authorization"].removeprefix("Basic ")
        name, _, secret = base64.b64decode(raw).decode().partition(":")
        return name, secret

    def answer_json(self, told: Any, status: int = 200) -> None:
        body = json.dumps(told).encode()
        self.answer(status, {"Content-Type": "application/json"}, body)

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        try:
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # whoever asked has gone
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


DOORS: dict[str, Callable[[Handler, Asked], None]] = defaultdict(
    lambda: Handler.nothing,
    {
        "/.well-known/openid-configuration": Handler.discovery,
        "/keys": Handler.keys,
        "/authorize": Handler.authorize,
        "/token": Handler.token,
        "/userinfo": Handler.user_info,
        "/revoke": Handler.revoke,
    },
)


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Provider]:
    provider = Provider()
    server = Server(provider)
    provider.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield provider
    finally:
        provider.goes_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
