"""A registry whose people come from a provider, and a browser that goes there."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from harbor.core.crypto import Box
from tests.auth.browsers import browser, configure, who
from tests.auth.provider import CLIENT, Provider, running
from tests.conftest import SECRET
from tests.registry.servers import Rows


@pytest.fixture
def provider(client: TestClient) -> Iterator[Provider]:
    """A provider that people of the server come from; accounts are made without a question."""
    with running() as made:
        connect(client, made)
        yield made


def connect(client: TestClient, provider: Provider, **more: Any) -> None:
    values = {
        "auth_mode": "oidc_auth",
        "oidc_name": "Example ID",
        "oidc_endpoint": provider.url,
        "oidc_client_id": CLIENT[0],
        "oidc_client_secret": CLIENT[1],
        "oidc_scope": "openid,profile,offline_access",
        "oidc_groups_claim": "groups",
        "oidc_admin_group": "root",
        "oidc_auto_onboard": True,
    }
    configure(client, **(values | more))


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def to_provider(visitor: TestClient, path: str = "/c/oidc/login") -> str:
    """Begin, sign in at the provider; return where the provider sends the browser."""
    begun = visitor.get(path)
    assert begun.status_code == 303, begun.text
    there = httpx2.get(begun.headers["Location"], follow_redirects=False)
    assert there.status_code == 303, there.text
    return path_of(there.headers["Location"])


def signed_in_there(client: TestClient, name: str = "Ann_Lee") -> TestClient:
    """A browser that went all the way."""
    visitor = browser(client)
    back = visitor.get(to_provider(visitor))
    assert back.status_code == 303, back.text
    assert who(visitor) == name
    return visitor


def secret_of(rows: Rows, subject: str = "7") -> str:
    """The secret of somebody's clients."""
    (closed,) = rows(f"SELECT secret FROM oidc_user WHERE subject = '{subject}'")[0]
    return Box(SECRET).open(closed)
