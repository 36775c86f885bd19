"""The settings of a project."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.auth.browsers import meant, signed_in
from tests.make import ADMIN, API
from tests.projects.pages import HTMX, audit, project_id, told, words, wrong_at

SWITCHES = (
    "public",
    "enable_content_trust_cosign",
    "enable_content_trust",
    "prevent_vul",
    "auto_scan",
    "auto_sbom_generation",
)
SCRIPT = "<svg/onload=alert(1)>"


@pytest.fixture
def here(client: TestClient, people: dict[str, Any]) -> str:
    return f"/harbor/projects/{project_id(client, 'team')}/configs"


def save(client: TestClient, here: str, **form: Any) -> Any:
    return client.post(here, data=form, headers=HTMX, auth=ADMIN)


def kept(client: TestClient) -> Any:
    return client.get(f"{API}/projects/team", auth=ADMIN).json()


def own_list(client: TestClient) -> tuple[list[str], int | None]:
    found = kept(client)["cve_allowlist"]
    return [item["cve_id"] for item in found["items"]], found.get("expires_at")


def fields(page: Any) -> list[str]:
    """Every field of the form, as it is written."""
    form = page.text.partition('<form class="form page')[2].partition("</form>")[0]
    return re.findall(r"<(?:input|select|textarea)[^>]*>", form)


def put_list(client: TestClient, *ids: str, expires_at: int | None = None) -> None:
    items = [{"cve_id": cve_id} for cve_id in ids]
    body: dict[str, Any] = {"metadata": {"reuse_sys_cve_allowlist": "false"}}
    body |= {"cve_allowlist": {"items": items, "expires_at": expires_at}}
    assert client.put(f"{API}/projects/team", json=body, auth=ADMIN).status_code == 200


def put_system_list(client: TestClient, *ids: str) -> None:
    body = {"items": [{"cve_id": cve_id} for cve_id in ids]}
    assert client.put(f"{API}/system/CVEAllowlist", json=body, auth=ADMIN).status_code == 200


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_kept_and_shown(client: TestClient, here: str, name: str) -> None:
    assert told(save(client, here, **{name: "true"})) == {"to": here, "said": "Saved."}
    metadata = kept(client)["metadata"]
    assert {each for each in SWITCHES if metadata[each] == "true"} == {name}
    page = client.get(here, auth=ADMIN).text
    assert f'name="{name}" value="true" role="switch" checked' in page
    assert page.count('role="switch" checked') == 1
    assert audit(client)[0] == ("update", "project", "team", True)
    save(client, here)
    assert kept(client)["metadata"][name] == "false"


def test_the_severity_is_kept_and_shown(client: TestClient, here: str) -> None:
    save(client, here, prevent_vul="true", severity="high")
    assert kept(client)["metadata"]["severity"] == "high"
    assert '<option value="high" selected>' in client.get(here, auth=ADMIN).text
    assert save(client, here, severity="terrible").status_code == 422


def test_who_may_not_change_only_reads(
    client: TestClient, here: str, people: dict[str, Any]
) -> None:
    put_list(client, "CVE-2024-1")
    for name in ("limited", "guest", "dev", "mia"):
        page = client.get(here, auth=people[name])
        assert "Project admins may change what you see here." in words(page)
        assert len(fields(page)) >= len(SWITCHES) + 5
        assert all(" disabled" in field for field in fields(page))
        assert (
            'class="button primary"' not in page.text.partition("<main")[2].partition("</main")[0]
        )
    page = client.get(here, auth=people["pam"])
    assert not any(" disabled" in field for field in fields(page))


def test_a_list_of_its_own_is_made(client: TestClient, here: str) -> None:
    form = {"allowlist": "project", "more": "CVE-2024-1, CVE-2024-2\nCVE-2024-1;;CVE-2024-3"}
    told(save(client, here, **form))
    assert own_list(client) == (["CVE-2024-1", "CVE-2024-2", "CVE-2024-3"], None)
    assert kept(client)["metadata"]["reuse_sys_cve_allowlist"] == "false"
    page = client.get(here, auth=ADMIN).text
    assert page.count('name="cve"') == 3
    assert 'name="allowlist" value="project" checked' in page


def test_what_is_unchecked_goes_and_what_is_there_twice_is_there_once(
    client: TestClient, here: str
) -> None:
    put_list(client, "CVE-2024-1", "CVE-2024-2")
    told(save(client, here, allowlist="project", cve=["CVE-2024-2"], more="CVE-2024-2 CVE-2024-9"))
    assert own_list(client) == (["CVE-2024-2", "CVE-2024-9"], None)


def test_the_own_list_waits_while_that_of_the_registry_counts(
    client: TestClient, here: str
) -> None:
    put_list(client, "CVE-2024-1", expires_at=2_000_000_000)
    told(save(client, here, allowlist="system", more="CVE-2024-2", expires="nonsense"))
    assert own_list(client) == (["CVE-2024-1"], 2_000_000_000)
    assert kept(client)["metadata"]["reuse_sys_cve_allowlist"] == "true"


def test_the_list_of_the_registry_is_shown_and_copied(client: TestClient, here: str) -> None:
    put_system_list(client, "CVE-2020-7", SCRIPT)
    assert "CVE-2020-7" in words(client.get(here, auth=ADMIN))
    copied = client.get(f"{here}/system-allowlist", auth=ADMIN)
    assert 'name="cve" value="CVE-2020-7" checked' in copied.text
    for page in (copied, client.get(here, auth=ADMIN)):
        assert SCRIPT not in page.text
        assert SCRIPT in words(page)


def test_hostile_ids_are_shown_as_text(client: TestClient, here: str) -> None:
    put_list(client, '"><script>alert(1)</script>')
    assert "<script>alert" not in client.get(here, auth=ADMIN).text
    told(save(client, here, allowlist="project", more=SCRIPT))
    page = client.get(here, auth=ADMIN)
    assert SCRIPT not in page.text
    assert SCRIPT in words(page)


def test_a_list_lasts_until_the_end_of_a_day(client: TestClient, here: str) -> None:
    told(save(client, here, allowlist="project", more="CVE-1", expires="2040-02-29"))
    ends = int(datetime(2040, 3, 1, tzinfo=UTC).timestamp())
    assert own_list(client) == (["CVE-1"], ends)
    assert 'value="2040-02-29"' in client.get(here, auth=ADMIN).text


def test_the_day_is_that_of_the_reader(client: TestClient, here: str) -> None:
    client.cookies.set("harbor-zone", "Asia/Shanghai")
    told(save(client, here, allowlist="project", more="CVE-1", expires="2040-02-28"))
    assert own_list(client)[1] == int(datetime(2040, 2, 28, 16, tzinfo=UTC).timestamp())
    assert 'value="2040-02-28"' in client.get(here, auth=ADMIN).text


def test_saving_does_not_move_a_moment_within_its_day(client: TestClient, here: str) -> None:
    noon = int(datetime(2040, 5, 5, 12, tzinfo=UTC).timestamp())
    put_list(client, "CVE-1", expires_at=noon)
    told(save(client, here, allowlist="project", cve=["CVE-1"], expires="2040-05-05"))
    assert own_list(client) == (["CVE-1"], noon)
    told(save(client, here, allowlist="project", cve=["CVE-1"]))
    assert own_list(client) == (["CVE-1"], None)


@pytest.mark.parametrize("expires", ["tomorrow", "2040-02-30", "9999-12-31", "2001-01-01"])
def test_a_day_that_cannot_be_is_said_at_its_field(
    client: TestClient, here: str, expires: str
) -> None:
    answer = save(client, here, allowlist="project", public="true", expires=expires)
    assert (answer.status_code, wrong_at(answer)) == (400, "expires")
    assert kept(client)["metadata"]["public"] == "false"
    assert audit(client)[0] == ("update", "project", "team", False)


def test_an_id_that_is_too_long_is_said_at_its_field(client: TestClient, here: str) -> None:
    answer = save(client, here, allowlist="project", more="C" * 129)
    assert (answer.status_code, wrong_at(answer)) == (400, "more")


def test_a_list_that_is_too_long_is_said_at_its_field(client: TestClient, here: str) -> None:
    more = " ".join(f"CVE-{n}" for n in range(10_001))
    answer = save(client, here, allowlist="project", more=more)
    assert (answer.status_code, wrong_at(answer)) == (400, "more")


def test_a_very_long_list_is_text_and_can_be_saved(client: TestClient, here: str) -> None:
    ids = [f"CVE-{n}" for n in range(2_000)]
    put_list(client, *ids)
    page = client.get(here, auth=ADMIN).text
    assert 'name="cve"' not in page
    more = page.partition("<textarea")[2].partition(">")[2].partition("<")[0]
    told(save(client, here, allowlist="project", more=more))
    assert own_list(client)[0] == ids


@pytest.mark.parametrize("seconds", [1, 2**53 - 1])
def test_any_moment_that_is_kept_can_be_shown(client: TestClient, here: str, seconds: int) -> None:
    put_list(client, "CVE-1", expires_at=seconds)
    assert client.get(here, auth=ADMIN).status_code == 200


def test_a_page_of_another_site_changes_nothing(client: TestClient, here: str) -> None:
    visitor = signed_in(client)
    assert visitor.post(here, data={"public": "true"}).status_code == 403
    assert kept(client)["metadata"]["public"] == "false"
    assert visitor.post(here, data={"public": "true"}, headers=meant(visitor)).status_code == 303
