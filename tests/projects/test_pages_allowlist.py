"""The allowlist of the whole registry, as a page shows and changes it."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.core import clock
from tests.make import ADMIN, API, make_user
from tests.projects.pages import HOSTILE, HTMX, audit, harmless, told, words, wrong_at

HERE = "/harbor/configs/security"


def save(client: TestClient, **form: Any) -> Any:
    return client.post(HERE, data=form, headers=HTMX, auth=ADMIN)


def kept(client: TestClient) -> tuple[list[str], int | None]:
    found = client.get(f"{API}/system/CVEAllowlist", auth=ADMIN).json()
    return [item["cve_id"] for item in found["items"]], found.get("expires_at")


def put(client: TestClient, *ids: str, expires_at: int | None = None) -> None:
    body = {"items": [{"cve_id": each} for each in ids], "expires_at": expires_at}
    assert client.put(f"{API}/system/CVEAllowlist", json=body, auth=ADMIN).status_code == 200


def test_an_empty_list_says_what_to_do(client: TestClient) -> None:
    shown = words(client.get(HERE, auth=ADMIN))
    assert "The list is empty. Add below what shall not stop a pull." in shown


def test_vulnerabilities_are_added_and_removed(client: TestClient) -> None:
    saved = save(client, more="CVE-2024-1, CVE-2024-2\nCVE-2024-1 CVE-2024-3")
    assert told(saved) == {"to": HERE, "said": "The list was saved."}
    assert kept(client) == (["CVE-2024-1", "CVE-2024-2", "CVE-2024-3"], None)
    assert "3 vulnerabilities" in words(client.get(HERE, auth=ADMIN))
    save(client, cve=["CVE-2024-3"], more="CVE-2024-9")
    assert kept(client)[0] == ["CVE-2024-3", "CVE-2024-9"]
    save(client)
    assert kept(client) == ([], None)
    assert audit(client)[0] == ("update", "configuration", "CVEAllowlist", True)


def test_a_list_ends_with_its_last_day(client: TestClient) -> None:
    tomorrow = (clock.now() + timedelta(days=1)).date().isoformat()
    save(client, more="CVE-2024-1", expires=tomorrow)
    assert kept(client)[1] is not None
    assert f'value="{tomorrow}"' in client.get(HERE, auth=ADMIN).text
    save(client, cve=["CVE-2024-1"])
    assert kept(client) == (["CVE-2024-1"], None)


def test_a_list_that_is_over_says_so_and_is_kept_as_it_is(client: TestClient) -> None:
    over = int((clock.now() - timedelta(days=3)).timestamp())
    put(client, "CVE-2024-1", expires_at=over)
    page = client.get(HERE, auth=ADMIN)
    assert "This list has expired" in words(page)
    day = page.text.partition('type="date" value="')[2][:10]
    assert save(client, cve=["CVE-2024-1"], expires=day).status_code == 204
    assert kept(client) == (["CVE-2024-1"], over)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"more": "C" * 129}, "more"),
        ({"more": " ".join(f"CVE-{n}" for n in range(10_001))}, "more"),
        ({"expires": "tomorrow"}, "expires"),
        ({"expires": "9999-12-31"}, "expires"),
        ({"expires": "2020-01-01"}, "expires"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: TestClient, form: dict[str, str], field: str
) -> None:
    put(client, "CVE-2024-1")
    answer = save(client, **form)
    assert (answer.status_code, wrong_at(answer)) == (400, field)
    assert kept(client)[0] == ["CVE-2024-1"]


def test_a_long_list_is_shown_as_text_and_stays_whole(client: TestClient) -> None:
    ids = [f"CVE-2024-{n}" for n in range(501)]
    put(client, *ids)
    page = client.get(HERE, auth=ADMIN).text
    assert 'name="cve"' not in page
    text = page.partition('name="more"')[2].partition(">")[2].partition("</textarea>")[0]
    assert save(client, more=text).status_code == 204
    assert kept(client)[0] == ids


def test_what_is_entered_is_only_text(client: TestClient) -> None:
    put(client, HOSTILE)
    assert harmless(client.get(HERE, auth=ADMIN))


def test_the_tabs_lead_from_one_page_to_the_other(client: TestClient) -> None:
    for path in (HERE, "/harbor/configs/setting"):
        page = client.get(path, auth=ADMIN).text
        assert f'<a href="{path}" aria-current="page">' in page
        assert '<a href="/harbor/configs/s' in page
    assert client.get(HERE, auth=make_user(client, "maria")).status_code == 403
