"""Accounts, as tests make and read them."""

from collections.abc import Callable
from typing import Any

from starlette.testclient import TestClient

from tests.make import ADMIN, API, make_user

Rows = Callable[[str], list[Any]]


def make(client: TestClient, name: str) -> int:
    """Make somebody; return the id."""
    make_user(client, name)
    return id_of(client, name)


def id_of(client: TestClient, name: str) -> int:
    found = client.get(f"{API}/users/search", params={"username": name}, auth=ADMIN).json()
    return next(int(each["user_id"]) for each in found if each["username"] == name)


def account(client: TestClient, user_id: int) -> Any:
    """What administrators see of it; nothing if it is gone."""
    answer = client.get(f"{API}/users/{user_id}", auth=ADMIN)
    return answer.json() if answer.status_code == 200 else None


def set_admin(client: TestClient, user_id: object, *, flag: bool = True, login: Any = ADMIN) -> Any:
    body = {"sysadmin_flag": flag}
    return client.put(f"{API}/users/{user_id}/sysadmin", json=body, auth=login)


def delete(client: TestClient, user_id: object, login: Any = ADMIN) -> Any:
    return client.delete(f"{API}/users/{user_id}", auth=login)
