"""The system settings, as a page shows and changes them."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import Start
from tests.make import ADMIN, API
from tests.projects.pages import HOSTILE, HTMX, harmless, told, words, wrong_at

HERE = "/harbor/configs/setting"
FORM = {
    "project_creation_restriction": "adminonly",
    "session_timeout": "15",
    "token_expiration": "20",
    "robot_name_prefix": "bot$",
    "robot_token_duration": "7",
    "trash_days": "0",
    "recorded": ["create_project", "delete_project"],
    "banner": "Back at noon",
    "banner_type": "warning",
    "banner_from": "2026-01-01",
}


def value(client: TestClient, name: str) -> Any:
    return client.get(f"{API}/configurations", auth=ADMIN).json()[name]["value"]


def test_the_first_page_is_found(client: TestClient) -> None:
    answer = client.get("/harbor/configs", auth=ADMIN)
    assert (answer.status_code, answer.headers["Location"]) == (303, HERE)


def test_settings_are_saved_and_count(client: TestClient) -> None:
    saved = client.post(HERE, data=FORM, auth=ADMIN, headers=HTMX)
    assert told(saved) == {"to": HERE, "said": "The settings were saved."}
    assert value(client, "project_creation_restriction") == "adminonly"
    assert value(client, "session_timeout") == 15
    assert value(client, "token_expiration") == 20
    assert value(client, "robot_name_prefix") == "bot$"
    assert value(client, "notification_enable") is False
    assert "create_project" not in value(client, "disabled_audit_log_event_types")
    assert "pull_artifact" in value(client, "disabled_audit_log_event_types").split(",")
    banner = json.loads(value(client, "banner_message"))
    assert banner == {"message": "Back at noon", "type": "warning", "fromDate": "2026-01-01"}
    page = client.get(HERE, auth=ADMIN)
    assert "Back at noon" in words(page)
    assert 'value="20"' in page.text


def test_the_log_says_which_settings_were_changed(client: TestClient) -> None:
    client.post(HERE, data=FORM | {"recorded": "update_configuration"}, auth=ADMIN)
    (line,) = client.get(f"{API}/auditlog-exts?q=operation=update", auth=ADMIN).json()
    assert "session_timeout" in line["resource"]
    assert "self_registration" not in line["resource"]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("session_timeout", "0"),
        ("session_timeout", "soon"),
        ("token_expiration", ""),
        ("robot_token_duration", "99999999999"),
        ("audit_log_forward_endpoint", "nowhere"),
        ("skip_audit_log_database", "true"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client: TestClient, name: str, given: str) -> None:
    answer = client.post(HERE, data=FORM | {name: given}, auth=ADMIN, headers=HTMX)
    assert 400 <= answer.status_code < 500
    assert wrong_at(answer) == name
    assert value(client, "robot_name_prefix") == "robot$"


def test_read_only_is_ended_where_it_was_begun(client: TestClient) -> None:
    client.post(HERE, data=FORM | {"read_only": "true"}, auth=ADMIN)
    assert client.post(f"{API}/projects", json={"project_name": "x"}, auth=ADMIN).status_code == 403
    assert client.post(HERE, data=FORM, auth=ADMIN).status_code == 303
    assert client.post(f"{API}/projects", json={"project_name": "x"}, auth=ADMIN).status_code == 201


def test_what_the_environment_decides_cannot_be_changed(start: Start) -> None:
    client = start(config_overwrite_json='{"session_timeout": 5}')
    page = client.get(HERE, auth=ADMIN)
    assert "CONFIG_OVERWRITE_JSON" in words(page)
    assert client.post(HERE, data=FORM, auth=ADMIN).status_code == 403


def test_a_hostile_banner_is_words_only(client: TestClient) -> None:
    client.post(HERE, data=FORM | {"banner": HOSTILE, "banner_from": ""}, auth=ADMIN)
    assert harmless(client.get("/harbor/projects", auth=ADMIN))
