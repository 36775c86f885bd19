"""What is inside of artifacts: packages, comparisons, documents of charts, and copies of them."""

import json

import pytest
from playwright.sync_api import expect

from tests.artifacts.pages import CHART
from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.grids import row, rows
from tests.browser.site import Site
from tests.explorer.layers import image
from tests.explorer.test_packages import database, info, program
from tests.make import descriptor, make_project, manifest_of, push_blob, put_manifest
from tests.tars import tar, zipped

REPO = "weather/tides"
BASE = tar(
    ("etc/os-release", b'NAME="Fedora Linux"\n'),
    ("etc/tides.conf", b"station = Cuxhaven\n"),
    ("usr/lib/libc.so.6", b"\x7fELF" * 400_000),
    ("usr/lib/sysimage/rpm/rpmdb.sqlite", database("rpmdb.sqlite")),
)
METADATA = b"Metadata-Version: 2.1\nName: %s\nVersion: %s\n\n"


def site_packages(**versions: str) -> list[tuple[str, bytes]]:
    return [
        (f"srv/lib/{name}.dist-info/METADATA", METADATA % (name.encode(), version.encode()))
        for name, version in versions.items()
    ]


OLD = tar(
    *site_packages(requests="2.31.0", urllib3="2.0.7", pytz="2024.1"),
    ("srv/tides.py", b"print('high water')\n" * 900),
    ("srv/legacy.py", b"import sys\n" * 400),
)
NEW = tar(
    *site_packages(requests="2.32.3", urllib3="2.2.3", httpx="0.27.2"),
    ("srv/tides.py", b"print('low water')\n" * 1_200),
    ("srv/charts/north-sea.json", b'{"depth": 12}' * 6_000),
    ("usr/bin/tidectl", program(info()), 0o755),
    ("etc/tides.conf", b"station = Helgoland\n"),
)
README = """# Tides

Shows **when the water comes**. Needs `kubectl` and a harbour.

| value | means | default |
| --- | --- | --- |
| `station` | where it is measured | `cuxhaven` |

<script>alert(1)</script>
"""
VALUES = """# How many of them
replicaCount: 2

image:
  repository: registry.example.com/weather/tides
  tag: "2.0"  # the newest
  pullPolicy: IfNotPresent

service: {type: ClusterIP, port: 8080}
ingress:
  enabled: false
  hosts:
    - host: tides.example.com
script: |
  echo "high water"
"""


def push_chart(site: Site) -> None:
    config = {
        "name": "tides-chart",
        "version": "2.0.1",
        "appVersion": "2.0",
        "description": "High and low water on Kubernetes.",
        "type": "application",
        "home": "https://tides.example.com",
        "sources": ["https://git.example.com/weather/tides", "see the wiki"],
        "keywords": ["weather", "sea"],
        "maintainers": [{"name": "The harbour office", "email": "office@example.com"}],
        "dependencies": [{"name": "redis", "version": "19.x", "repository": "oci://r.example.com"}],
    }
    raw = json.dumps(config).encode()
    layer = zipped(
        tar(("tides/README.md", README.encode()), ("tides/values.yaml", VALUES.encode()))
    )
    for data in (raw, layer):
        push_blob(site.api, "weather/tides-chart", data)
    document = manifest_of(raw, layer) | {"config": descriptor(raw, CHART)}
    document["layers"][0]["mediaType"] = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
    answer = put_manifest(site.api, "weather/tides-chart", "2.0.1", document)
    assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def place(site: Site) -> str:
    """Where the repositories of a project are, with an image in two versions and a chart."""
    project_id = make_project(site.api, "weather", public=True)
    settings = {"Env": ["PATH=/usr/bin", "STATION=cuxhaven"], "Cmd": ["tides"], "User": "root"}
    later = {"Env": ["PATH=/usr/bin", "STATION=helgoland"], "Cmd": ["tides"], "User": "65532"}
    image(site.api, REPO, "1.9", settings, zipped(BASE), zipped(OLD))
    image(site.api, REPO, "2.0", later, zipped(BASE), zipped(NEW))
    push_chart(site)
    return f"/harbor/projects/{project_id}/repositories"


def test_two_chosen_artifacts_are_compared(
    place: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(f"{place}/tides/artifacts-tab")
    page.get_by_label("Select 1.9").check()
    compare = page.get_by_role("button", name="Compare", exact=True)
    expect(compare).to_be_disabled()
    page.get_by_label("Select 2.0").check()
    compare.click()
    expect(page.get_by_role("table", name="Packages that differ")).to_contain_text("2.32.3")
    expect(page.get_by_role("table", name="Settings that differ")).to_contain_text("helgoland")
    accessible(page)
    shot(page, "compare")
    page.get_by_role("combobox", name="Change").select_option("removed")
    expect(row(page, "/srv/legacy.py")).to_contain_text("removed")
    page.get_by_role("link", name="Compare with…").click()
    expect(page.get_by_role("table", name="What it can be compared with")).to_contain_text("1.9")
    accessible(page)
    shot(page, "compare-with")


def test_packages_are_listed_and_filtered(
    place: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("guest")
    page.goto(f"{place}/tides/artifacts-tab/artifacts/2.0/packages")
    expect(page.get_by_text("9 packages")).to_be_visible()
    accessible(page)
    shot(page, "packages")
    page.get_by_role("combobox", name="Ecosystem").select_option("rpm")
    expect(rows(page)).to_have_count(2)


def test_a_chart_shows_its_documents(
    place: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("guest")
    page.goto(f"{place}/tides-chart/artifacts-tab/artifacts/2.0.1")
    expect(page.get_by_text("helm repo add weather")).to_be_visible()
    shot(page, "chart")
    page.get_by_role("link", name="README", exact=True).click()
    expect(page.get_by_role("heading", name="Tides", exact=True)).to_be_visible()
    accessible(page)
    shot(page, "chart-readme")
    page.get_by_role("link", name="Values", exact=True).click()
    expect(page.locator(".code-name").first).to_have_text("replicaCount")
    accessible(page)
    shot(page, "chart-values")


def test_an_artifact_is_copied(
    place: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("developer")
    page.goto(f"{place}/tides/artifacts-tab/artifacts/2.0")
    page.get_by_role("link", name="Copy to another repository").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Project").press_sequentially("tea")
    expect(dialog.locator("#projects-offered option")).to_have_count(1)
    dialog.get_by_label("Project").fill("team")
    accessible(page)
    shot(page, "copy")
    dialog.get_by_role("button", name="Copy", exact=True).click()
    toast = page.locator("#toasts")
    expect(toast).to_contain_text("1 artifact was copied.")
    shot(page, "copied")
    toast.get_by_role("link", name="Show").click()
    expect(page.get_by_role("navigation", name="Breadcrumbs")).to_contain_text("team")
