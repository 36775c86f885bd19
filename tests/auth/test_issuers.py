"""Issuers of tokens that are asked over HTTP: whatever they answer, and if they do not."""

import asyncio
import gzip
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from harbor.auth.oidc import providers
from harbor.auth.oidc.providers import Place, Providers, discovered
from harbor.auth.oidc.tokens import TokenInvalid
from harbor.auth.oidc.workloads import holds, trusted
from harbor.core import outgoing
from harbor.core.errors import BadGateway
from harbor.robots.schemas import ClaimRule, Trust
from harbor.robots.service.trusts import check
from tests.auth.provider import CLIENT, Provider, running
from tests.core.running import make_certificate

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as made:
        yield made


def verify(known: Providers, provider: Provider, token: str) -> Any:
    return asyncio.run(known.verify(Place(provider.url), token, audience=CLIENT[0]))


def discover(provider: Provider) -> Any:
    return asyncio.run(discovered(Place(provider.url)))


def test_keys_are_read_once_and_again_when_they_change(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Providers()
    old = provider.token()
    assert verify(known, provider, old)["sub"] == "7"
    assert verify(known, provider, provider.token(sub="8"))["sub"] == "8"
    assert provider.asked == [DISCOVERY, "/keys"]
    provider.rotate()
    with pytest.raises(TokenInvalid):  # they were read a moment ago
        verify(known, provider, provider.token())
    monkeypatch.setattr(providers, "MISS_S", 0)
    assert verify(known, provider, provider.token())["sub"] == "7"
    with pytest.raises(TokenInvalid):
        verify(known, provider, old)


def test_keys_that_are_known_count_while_the_issuer_is_away(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Providers()
    assert verify(known, provider, provider.token())
    for path in (DISCOVERY, "/keys"):
        provider.answers[path] = (500, {}, b"")
    monkeypatch.setattr(providers, "FRESH_S", 0)
    monkeypatch.setattr(providers, "KEYS_FRESH_S", 0)
    assert verify(known, provider, provider.token())
    monkeypatch.setattr(providers, "STALE_S", 0)
    with pytest.raises(BadGateway):
        verify(known, provider, provider.token())


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}, b"{}"),
        (200, {}, b"<html>"),
        (200, {}, b"[]"),
        (200, {}, b'{"issuer": 7}'),
        (200, {}, b'{"issuer": "https://other.example", "jwks_uri": ""}'),
        (200, {}, b"[" * 100_000),
        (200, {}, b"\xff\xfe"),
        (200, {}, b" " * (outgoing.MAX_ANSWER + 1)),
        (200, {"Content-Encoding": "gzip"}, gzip.compress(b" " * 100)),
        (302, {"Location": "/keys"}, b""),
        (200, {"Content-Length": "5000"}, b"{}"),
    ],
)
def test_a_garbage_answer_is_a_clear_error(provider: Provider, answer: Any) -> None:
    provider.answers[DISCOVERY] = answer
    with pytest.raises(BadGateway):
        discover(provider)


def test_a_redirect_is_not_followed(provider: Provider) -> None:
    with running() as inside:
        provider.answers[DISCOVERY] = (302, {"Location": f"{inside.url}/secret"}, b"")
        with pytest.raises(BadGateway, match="302"):
            discover(provider)
        assert inside.asked == []


def test_a_provider_cannot_send_us_elsewhere_without_tls(provider: Provider) -> None:
    provider.metadata["jwks_uri"] = provider.url.replace("127.0.0.1", "localhost") + "/keys"
    with pytest.raises(BadGateway, match="without TLS"):
        verify(Providers(), provider, provider.token())
    for place in ("file:///etc/passwd", "gopher://127.0.0.1/", ""):
        provider.metadata["jwks_uri"] = place
        with pytest.raises(BadGateway):
            verify(Providers(), provider, provider.token())
    assert provider.asked.count("/keys") == 0


def test_a_public_provider_cannot_send_us_inside() -> None:
    async def check_place() -> None:
        careful = outgoing.Careful("https://8.8.8.8", verify=True)
        for place in ("https://169.254.169.254/x", "https://10.0.0.1/", "https://[::1]/"):
            with pytest.raises(BadGateway, match="inside"):
                await careful._check(httpx2.URL(place))
        await careful._check(httpx2.URL("https://1.1.1.1/keys"))

    asyncio.run(check_place())


def test_certificates_count_unless_they_are_not_to(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(make_certificate(tmp_path / "tls.pem"))
    with running(tls) as provider:
        with pytest.raises(BadGateway, match="cannot be reached"):
            discover(provider)
        assert provider.asked == []
        asyncio.run(discovered(Place(provider.url, verify=False)))
        assert provider.asked == [DISCOVERY]


def test_a_provider_is_asked_by_way_of_the_proxy(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", provider.url)
    provider.metadata["issuer"] = "http://id.example.org"
    found = asyncio.run(discovered(Place("http://id.example.org")))
    assert found.issuer == "http://id.example.org"
    provider.metadata["issuer"] = provider.url
    assert discover(provider).issuer == provider.url  # nothing here is asked through it
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example:1080")
    monkeypatch.setenv("NO_PROXY", "example.com, .example.net")
    for url in ("https://id.example.com/x", "https://a.example.net:8443", "https://[::1]/"):
        assert outgoing.proxy_for(httpx2.URL(url)) is None, url
    with pytest.raises(BadGateway, match="not an HTTP proxy"):
        outgoing.proxy_for(httpx2.URL("https://example.org"))
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert outgoing.proxy_for(httpx2.URL("https://example.org")) == "http://proxy.example:3128"


def test_nobody_waits_for_a_provider_that_has_just_failed(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "WHOLE_S", 0.2)
    provider.goes_on.clear()
    known = Providers()

    async def many() -> list[Any]:
        asked = [known.metadata(Place(provider.url)) for _ in range(20)]
        return await asyncio.gather(*asked, return_exceptions=True)

    assert {type(each) for each in asyncio.run(many())} == {BadGateway}
    assert provider.asked == [DISCOVERY]


def rules(**wanted: str) -> tuple[ClaimRule, ...]:
    return tuple(ClaimRule(claim, pattern) for claim, pattern in wanted.items())


def test_a_machine_is_known_by_the_claims_of_its_token(provider: Provider) -> None:
    trust = Trust(provider.url, "harbor", rules(sub="repo:acme/app:ref:refs/heads/*"))
    known = Providers()

    def ask(**claims: Any) -> Any:
        return asyncio.run(trusted(known, provider.token(**claims), [trust]))

    found, claims = ask(sub="repo:acme/app:ref:refs/heads/main")
    assert (found, claims["iss"]) == (trust, provider.url)
    for lie in (
        {"sub": "repo:acme/app:ref:refs/heads/main/x"},
        {"sub": "repo:evil/app:ref:refs/heads/main"},
        {"sub": "repo:acme/app:ref:refs/heads/main", "aud": "sigstore"},
        {"sub": "repo:acme/app:ref:refs/heads/main", "exp": 2**36},
    ):
        with pytest.raises(TokenInvalid):
            ask(**lie)


def test_an_issuer_that_nobody_trusts_is_not_even_asked(provider: Provider) -> None:
    trust = Trust("https://token.example.org", "harbor", rules(sub="x"))
    with pytest.raises(TokenInvalid, match="nobody here trusts"):
        asyncio.run(trusted(Providers(), provider.token(), [trust]))
    assert provider.asked == []


def test_claims_may_be_lists_and_in_each_other() -> None:
    claims = json.loads(
        '{"kubernetes.io": {"namespace": "ci", "pod": {"name": "p"}}, "ref_protected": true,'
        ' "groups": ["a", "b"], "id": 7, "https://x.example/team": "blue", "none": null}'
    )
    for claim, pattern in (
        ("kubernetes.io/namespace", "ci"),
        ("kubernetes.io/pod/name", "?"),
        ("ref_protected", "true"),
        ("groups", "b"),
        ("id", "7"),
        ("https://x.example/team", "{red,blue}"),
    ):
        assert holds(ClaimRule(claim, pattern), claims), claim
    for claim, pattern in (
        ("kubernetes.io", "**"),
        ("none", "**"),
        ("missing/deep", "**"),
        ("groups", "ab"),
        ("id", "["),
    ):
        assert not holds(ClaimRule(claim, pattern), claims), claim


@pytest.mark.parametrize(
    "trust",
    [
        Trust("token.example.org", "harbor", rules(sub="x")),
        Trust("https://token.example.org", "", rules(sub="x")),
        Trust("https://token.example.org", "harbor", ()),
        Trust("https://token.example.org", "harbor", rules(sub="**", ref="*")),
        Trust("https://token.example.org", "harbor", rules(sub="{x,?*/**}")),
        Trust("https://token.example.org", "harbor", rules(sub="[")),
        Trust("https://token.example.org", "harbor", rules(sub="")),
    ],
)
def test_what_would_let_everybody_in_is_refused(trust: Trust) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check(trust)
