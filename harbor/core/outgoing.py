"""Asking other servers over HTTP: never for long, never for much, and nowhere but where meant.

Redirects are not followed. An answer is read up to a limit, and packed ones are refused, since
they may be a thousand times as large as they look. Proxies are those that the variables
HTTP_PROXY, HTTPS_PROXY and ALL_PROXY name, but for what is in NO_PROXY.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache
from urllib.request import getproxies, proxy_bypass

import httpx2

from harbor.core.errors import BadGateway
from harbor.core.settings import MIB

WHOLE_S = 10.0  # from the first step to the last byte
MAX_ANSWER = MIB
PORTS = {"http": 80, "https": 443}


class Careful(httpx2.AsyncBaseTransport):
    """Sends requests to *home*, an address that an administrator gave, and to where it points.

    A server elsewhere that *home* names must be reached by TLS, and a public *home* cannot
    send us into the network that we are in.
    """

    def __init__(self, home: str, *, verify: bool) -> None:
        self._home, self._verify = httpx2.URL(home), verify

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The whole answer; ``BadGateway`` says what is wrong with the server."""
        place = request.url.host
        try:
            async with asyncio.timeout(WHOLE_S):
                await self._check(request.url)
                request.headers["Accept-Encoding"] = "identity"
                tls = await asyncio.to_thread(context, verify=self._verify)
                by = proxy_for(request.url)
                async with httpx2.AsyncHTTPTransport(verify=tls, proxy=by) as transport:
                    return await whole(await transport.handle_async_request(request), request)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise BadGateway(f"{place} did not answer in time") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
            raise BadGateway(f"{place} cannot be reached: {type(error).__name__}") from error

    async def _check(self, url: httpx2.URL) -> None:
        """Raise ``BadGateway`` unless *home* may send us to *url*."""
        home = self._home
        if url.scheme not in PORTS or not url.host:
            raise BadGateway("an address that is not http or https")
        if url.scheme != "https" and (home.scheme == "https" or url.host != home.host):
            raise BadGateway(f"{url.host} is to be reached without TLS, which is refused")
        if url.host != home.host and await is_public(home) and not await is_public(url):
            raise BadGateway(f"{url.host} is an address inside of this network")


async def get(
    home: str, url: str, *, verify: bool, headers: Mapping[str, str] | None = None
) -> bytes:
    """What is at *url*, to which *home* points; ``BadGateway`` if nothing is."""
    try:
        async with httpx2.AsyncClient(transport=Careful(home, verify=verify)) as client:
            answer = await client.get(url, headers=headers)
    except (httpx2.InvalidURL, httpx2.HTTPError) as error:
        raise BadGateway("the provider cannot be asked at that address") from error
    if answer.status_code != httpx2.codes.OK:
        raise BadGateway(f"{answer.url.host} answered with the status {answer.status_code}")
    return answer.content


async def whole(answer: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
    """*answer*, read to its end; ``BadGateway`` as soon as that is too much."""
    pieces: list[bytes] = []
    total = 0
    try:
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise BadGateway(f"{request.url.host} answered with something packed")
        async for piece in answer.aiter_raw():
            total += len(piece)
            if total > MAX_ANSWER:
                raise BadGateway(f"{request.url.host} answered with more than {MAX_ANSWER} bytes")
            pieces.append(piece)
    finally:
        await answer.aclose()
    return httpx2.Response(
        answer.status_code,
        headers={"content-type": answer.headers.get("content-type", "")},
        content=b"".join(pieces),
        request=request,
    )


async def is_public(url: httpx2.URL) -> bool:
    """Whether every address of that host is one of the public internet.

    What names mean to a proxy is the proxy's to know.
    """
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(url.host).is_global
    if proxy_for(url) is not None:
        return True
    port = url.port or PORTS.get(url.scheme, 443)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    return all(ipaddress.ip_address(each[4][0]).is_global for each in found)


def proxy_for(url: httpx2.URL) -> str | None:
    """The proxy through which that is asked; ``BadGateway`` if it is of a kind that we lack."""
    told = getproxies()
    found = told.get(url.scheme) or told.get("all")
    if not found or is_here(url.host) or proxy_bypass(url.netloc.decode(), told):
        return None
    found = found if "://" in found else f"http://{found}"
    if not found.startswith(("http://", "https://")):
        raise BadGateway(f"the proxy for {url.scheme} is not an HTTP proxy")
    return found


def is_here(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


@lru_cache(maxsize=2)
def context(*, verify: bool) -> ssl.SSLContext:
    """Reading the certificates of all authorities takes long, so it is done once."""
    return httpx2.create_ssl_context(verify=verify)
