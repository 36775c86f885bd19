"""What is done: ask an identity server by HTTP, with limits to its time and to its answer."""

import asyncio
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from harbor.core.errors import Unavailable
from harbor.core.lazily import loaded

PATIENCE_S = 10.0
MAX_ANSWER = 1024 * 1024  # bytes
OK, UNAUTHORIZED, SERVER_ERROR = 200, 401, 500


@lru_cache(maxsize=8)  # to read the certificates of all authorities takes 20 ms
def trust(*, verify: bool, certificate: str = "") -> ssl.SSLContext:
    """Whom to believe: the system's authorities, only that certificate, or, unverified, anybody."""
    if not verify:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cadata=certificate or None)
    except (ssl.SSLError, ValueError) as error:
        raise Unavailable("the certificate of the identity server cannot be read") from error


async def post(url: str, context: ssl.SSLContext, **sent: Any) -> tuple[int, Mapping[str, object]]:
    """Status and JSON object of the answer, an empty one if it is none.

    ``Unavailable`` if the server does not answer, or has a problem of its own. A redirect is not
    followed: it would carry passwords elsewhere.
    """
    await loaded("httpx2")
    import httpx2  # noqa: PLC0415

    try:
        async with (
            asyncio.timeout(PATIENCE_S),
            httpx2.AsyncClient(verify=context, timeout=PATIENCE_S, trust_env=False) as client,
            client.stream(sent.pop("method", "POST"), url, **sent) as answer,
        ):
            raw = b""
            async for piece in answer.aiter_bytes(64 * 1024):
                raw += piece
                if len(raw) > MAX_ANSWER:
                    raise Unavailable("the identity server answers too much")
            status = answer.status_code
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError, ValueError) as error:
        raise Unavailable("the identity server does not answer") from error
    if status >= SERVER_ERROR:
        raise Unavailable(f"the identity server answers {status}")
    return status, read(raw)


def read(raw: bytes) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(raw, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
