"""Pages as a test reads them."""

import json
import re
from html import unescape
from typing import Any

from starlette.testclient import TestClient

from tests.make import ADMIN, API, PASSWORD, Login

HTMX = {"HX-Request": "true", "HX-Target": "dialog"}
CHINESE = {"Accept-Language": "zh-CN"}
HOSTILE = "<img/src=x>'&"  # no character that a user's name may not have


def words(answer: Any) -> str:
    """What a reader sees of a page, without its marks."""
    text = re.sub(r"<(script|style|template)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def harmless(answer: Any) -> bool:
    """Whether ``HOSTILE`` stands in the page, and only as text."""
    return HOSTILE in words(answer) and HOSTILE not in answer.text


def wrong_at(answer: Any) -> str:
    """The field of the form that an answer finds fault with."""
    found = re.search(r'data-field="(\w+)"', answer.text)
    return found[1] if found else ""


def told(answer: Any) -> dict[str, str]:
    """Where the answer to a form sends the browser, and what it says."""
    assert answer.status_code == 204, answer.text
    found: dict[str, str] = json.loads(answer.headers["HX-Trigger"])["harbor:done"]
    return found


def make_hostile(client: TestClient) -> Login:
    """Somebody with the worst name."""
    body = {"username": HOSTILE, "email": "eve@example.com", "realname": HOSTILE}
    made = client.post(f"{API}/users", json=body | {"password": PASSWORD}, auth=ADMIN)
    assert made.status_code == 201, made.text
    return HOSTILE, PASSWORD


def project_id(client: TestClient, name: str) -> int:
    answer = client.get(f"{API}/projects/{name}", auth=ADMIN)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["project_id"])


def audit(client: TestClient, login: Login = ADMIN) -> list[tuple[str, str, str, bool]]:
    """Operation, kind, thing and success of what was done, the last first."""
    lines = client.get(f"{API}/auditlog-exts", auth=login).json()
    return [
        (line["operation"], line["resource_type"], line["resource"], line["operation_result"])
        for line in lines
    ]
