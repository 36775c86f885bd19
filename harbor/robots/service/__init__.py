"""What is done: make robots, let them in, and say what they may do."""

from harbor.core.machines import NEVER, displayed
from harbor.robots.service.logins import Login, find, find_login
from harbor.robots.service.permissions import PROJECT, SYSTEM
from harbor.robots.service.robots import (
    Named,
    change,
    create,
    forget,
    get,
    home_of,
    place_of,
    refuse_inherited,
    remove,
    renew,
    search,
    told,
)
from harbor.robots.service.secrets import is_fast, is_right

__all__ = [
    "NEVER",
    "PROJECT",
    "SYSTEM",
    "Login",
    "Named",
    "change",
    "create",
    "displayed",
    "find",
    "find_login",
    "forget",
    "get",
    "home_of",
    "is_fast",
    "is_right",
    "place_of",
    "refuse_inherited",
    "remove",
    "renew",
    "search",
    "told",
]
