"""Secrets, and what is kept of them."""

import asyncio

import pytest

from harbor.core.errors import BadRequest
from harbor.robots.service import secrets
from harbor.users.service import check_password


def test_a_made_secret_is_long_and_satisfies_the_rule() -> None:
    found = {secrets.made() for _ in range(50)}
    assert len(found) == 50
    for secret in found:
        assert len(secret) == 32
        check_password(secret)


def test_what_is_kept_does_not_tell_the_secret_and_is_salted() -> None:
    secret = secrets.made()
    one, other = secrets.kept(secret), secrets.kept(secret)
    assert secret not in one
    assert one != other
    assert secrets.is_fast(one)
    assert secrets.is_right(secret, one)
    assert secrets.is_right(secret, other)
    for wrong in ("", secret + "x", secret[:-1], secrets.made(), "é"):
        assert not secrets.is_right(wrong, one)


def test_what_somebody_chose_is_hashed_like_a_password() -> None:
    kept = asyncio.run(secrets.kept_of_chosen("Chosen-by-1-person"))
    assert not secrets.is_fast(kept)
    assert kept.startswith("$argon2id$")
    with pytest.raises(BadRequest):
        asyncio.run(secrets.kept_of_chosen("short"))
