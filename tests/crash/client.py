"""A registry client made of sockets, which shares nothing with the server but the specification."""

import base64
import hashlib
import http.client
import json
import random
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import urlsplit

ADMIN = ("admin", "Harbor12345")
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
HOST = "127.0.0.1"
PIECE = 64 * 1024

Login = tuple[str, str]
Body = bytes | Iterable[bytes] | None
How = Literal["post", "put", "patch", "stream", "chunks"]
HOWS: tuple[How, ...] = ("post", "put", "patch", "stream", "chunks")


class Cut(Exception):
    """The connection ended before a whole answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # by name in small letters
    body: bytes = b""

    @property
    def location(self) -> str:
        parts = urlsplit(self.headers["location"])
        return parts.path + (f"?{parts.query}" if parts.query else "")

    @property
    def offset(self) -> int:
        """How many bytes of an upload the server says it has; an empty one says it has one."""
        return int(self.headers["range"].partition("-")[2]) + 1

    @property
    def codes(self) -> list[str]:
        """The codes of an OCI error; raises if the body is none."""
        return [check_error(each) for each in json.loads(self.body)["errors"]]

    def json(self) -> Any:
        return json.loads(self.body)


def check_error(error: Mapping[str, object]) -> str:
    code, message = error["code"], error["message"]
    if not (isinstance(code, str) and code and isinstance(message, str)):
        raise ValueError(f"not an OCI error: {error}")
    return code


def basic(login: Login) -> str:
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()


@dataclass
class Client:
    """One user in one connection, which is kept; not for several threads at once."""

    port: int
    login: Login | None = ADMIN
    timeout_s: float = 30
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def call(
        self,
        method: str,
        path: str,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask and read the whole answer; ``Cut`` if there is none."""
        sent = {"Authorization": basic(self.login)} if self.login else {}
        if body is None and method in ("POST", "PUT", "PATCH"):
            body = b""
        try:
            connection = self._connect()
            chunked = not isinstance(body, bytes | None)
            connection.request(
                method, path, body, sent | dict(headers or {}), encode_chunked=chunked
            )
            response = connection.getresponse()
            found = response.read()
            told = {name.lower(): text for name, text in response.getheaders()}
            if response.will_close:
                self.close()
            return Answer(response.status, told, found)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Cut(f"{method} {path}: {error!r}") from error

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(HOST, self.port, timeout=self.timeout_s)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, headers=headers)

    def begin(self, repository: str) -> str:
        """Where a new upload goes on."""
        answer = self.call("POST", f"/v2/{repository}/blobs/uploads/")
        expect(answer, 202)
        return answer.location

    def push_blob(self, repository: str, data: bytes, how: How = "put") -> Answer:
        """Push *data* in one of the ways that clients do; return the last answer."""
        digest = sha256(data)
        if how == "post":
            path = f"/v2/{repository}/blobs/uploads/?digest={digest}"
            return self.call("POST", path, data, OCTETS)
        place = self.begin(repository)
        if how == "put":
            return self.call("PUT", with_digest(place, digest), data, OCTETS)
        if how == "chunks":
            for start in range(0, len(data), max(1, len(data) // 3)):
                piece = data[start : start + max(1, len(data) // 3)]
                place = self.append(place, piece, start)
        elif how == "stream":
            place = expect(self.call("PATCH", place, pieces(data), OCTETS), 202).location
        else:
            place = expect(self.call("PATCH", place, data, OCTETS), 202).location
        return self.call("PUT", with_digest(place, digest))

    def append(self, place: str, piece: bytes, start: int) -> str:
        """Append a chunk that says where it belongs; return where the upload goes on."""
        told = OCTETS | {"Content-Range": f"{start}-{start + len(piece) - 1}"}
        return expect(self.call("PATCH", place, piece, told), 202).location

    def resume(self, place: str, data: bytes) -> int:
        """Finish an upload from where the server says it is; return that offset."""
        start = expect(self.call("GET", place), 204).offset
        kept = 0 if start == 1 and self.is_empty(place, data[:1]) else start
        if start < len(data):
            place = self.append(place, data[start:], start)
        expect(self.call("PUT", with_digest(place, sha256(data))), 201)
        return kept

    def is_empty(self, place: str, first: bytes) -> bool:
        """Whether an upload of which the server says ``0-0`` is empty; then *first* goes there."""
        answer = self.call("PATCH", place, first, OCTETS | {"Content-Range": "0-0"})
        return expect(answer, 202, 416).status == 202

    def put_manifest(
        self, repository: str, reference: str, raw: bytes, media_type: str = OCI_MANIFEST
    ) -> Answer:
        path = f"/v2/{repository}/manifests/{reference}"
        return self.call("PUT", path, raw, {"Content-Type": media_type})

    def blob(self, repository: str, digest: str) -> Answer:
        return self.call("GET", f"/v2/{repository}/blobs/{digest}")

    def manifest(self, repository: str, reference: str) -> Answer:
        return self.call("GET", f"/v2/{repository}/manifests/{reference}")

    def tags(self, repository: str) -> list[str]:
        answer = self.call("GET", f"/v2/{repository}/tags/list")
        return list(answer.json()["tags"]) if answer.status == 200 else []

    def token(self, *scopes: str) -> str:
        wanted = "".join(f"&scope={scope}" for scope in scopes)
        answer = self.call("GET", f"/service/token?service=harbor-registry{wanted}")
        return str(expect(answer, 200).json()["token"])


OCTETS = {"Content-Type": "application/octet-stream"}


def expect(answer: Answer, *statuses: int) -> Answer:
    assert answer.status in statuses, f"{answer.status}, not {statuses}: {answer.body[:500]!r}"
    return answer


def with_digest(place: str, digest: str) -> str:
    return f"{place}{'&' if '?' in place else '?'}digest={digest}"


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def content(seed: int, nbytes: int) -> bytes:
    """Bytes that can be made again, so that nobody has to keep them."""
    return random.Random(seed).randbytes(nbytes)


def pieces(data: bytes, nbytes: int = PIECE) -> Iterator[bytes]:
    for start in range(0, len(data), nbytes):
        yield data[start : start + nbytes]


def descriptor(data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **more}


def image(config: bytes, *layers: bytes, **more: Any) -> bytes:
    """The manifest of an image."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config, CONFIG),
        "layers": [descriptor(layer, LAYER) for layer in layers],
    }
    return json.dumps(document | more).encode()


def push_image(client: Client, repository: str, tag: str, *layers: bytes) -> bytes:
    """Push a whole image; return its manifest."""
    config = json.dumps({"image": repository, "tag": tag}).encode()
    for data in (config, *layers):
        expect(client.push_blob(repository, data), 201)
    raw = image(config, *layers)
    expect(client.put_manifest(repository, tag, raw), 201)
    return raw


def connect(port: int, timeout_s: float = 5) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=timeout_s)


def head(method: str, path: str, **headers: object) -> bytes:
    """The bytes of an administrator's request header; underscores in names stand for hyphens."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: {basic(ADMIN)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()
