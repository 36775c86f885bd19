"""The house rules that no linter knows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from jinja2 import meta, nodes
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.core import html, migrations
from harbor.core.api import Op
from harbor.core.settings import load
from harbor.doors import DOORS, operations
from tests.conftest import running, settings_for
from tests.registry.servers import copied

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
CODE = sorted((ROOT / "harbor").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OPS = operations()


def name_of(item: object) -> str:
    return str(item.relative_to(ROOT)) if isinstance(item, Path) else str(item)


@pytest.fixture(scope="module")
def server(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("house")
    with copied(template, folder) as url, contextmanager(running)() as begin:
        yield begin(Building(settings_for(folder, url)))


@pytest.mark.parametrize("op", OPS, ids=lambda op: f"{op.method} {op.path}")
def test_strangers_are_kept_out(server: TestClient, op: Op) -> None:
    digest = "sha256:" + "0" * 64
    values = {"name": "library/x", "digest": digest, "upload_id": "0" * 32, "mid": "1"}
    path = re.sub(r"{(\w+)}", lambda m: values.get(m[1], "nothing"), op.path)
    server.cookies.clear()
    answer = server.request(op.method, path)
    status = answer.status_code
    asks = "/account/sign-in?" in answer.headers.get("location", "")  # as pages do
    assert (status == 401 or asks) == (
        op.allow.scope != "public" or op.path == "/service/token"
    ) or (op.path == "/service/token" and status == 400)


@pytest.mark.parametrize("op", OPS, ids=lambda op: f"{op.method} {op.path}")
def test_every_operation_says_what_it_does(op: Op) -> None:
    assert op.handler.__doc__
    assert op.tag


def test_operation_ids_are_unique() -> None:
    ids = [op.id or op.handler.__name__ for op in OPS]
    assert len(ids) == len(set(ids))


def test_whatever_changes_something_is_audited_or_is_part_of_a_push() -> None:
    quiet = {op.path for op in OPS if op.method not in ("GET", "HEAD") and op.audit is None}
    # None of these changes anything here.
    browser = {
        "/account/preferences",
        "/c/userExists",
        "/api/v2.0/ldap/ping",
        "/harbor/configs/auth/ldap",
    }
    assert quiet - browser == {"/v2/{name}/blobs/uploads/", "/v2/{name}/blobs/uploads/{upload_id}"}


LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)")


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=name_of
)
def test_links_of_pages_lead_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_no_door_is_forgotten() -> None:
    named = {Path(door.__file__ or "").relative_to(ROOT / "harbor") for door in DOORS}
    there = {
        file.relative_to(ROOT / "harbor")
        for kind in ("routes", "pages")
        for pattern in (f"*/{kind}.py", f"*/{kind}/[!_]*.py")
        for file in (ROOT / "harbor").glob(pattern)
    }
    assert there - named == {Path("registry/routes.py")}


@pytest.mark.parametrize("template", html.environment().list_templates(extensions=["html"]))
def test_templates_use_only_page_and_frame(template: str) -> None:
    source = (ROOT / "templates" / template).read_text()
    parsed = html.environment().parse(source)
    # Jinja takes what a template imports for undeclared inside of blocks.
    imported = {name for each in parsed.find_all(nodes.FromImport) for name in each.names}
    used = meta.find_undeclared_variables(parsed) - imported
    assert used - set(html.environment().globals) <= {"page", "frame"}
    assert "{# page:" in source or html.is_part(template)
    assert not re.search(
        r"<script(?! src=\"({{ asset\(|/static/))|style=|\son\w+=|https?://", source
    )


@pytest.mark.parametrize("file", [*CODE, *TESTS], ids=name_of)
def test_files_stay_small_and_say_what_they_are(file: Path) -> None:
    text = file.read_text()
    assert len(text.splitlines()) <= 400
    if file in CODE:
        assert text.startswith('"""')


@pytest.mark.parametrize("file", CODE, ids=name_of)
def test_only_core_commits(file: Path) -> None:
    if "core" not in file.parts:
        assert not re.search(r"\.commit\(|\.begin\(\) as session", file.read_text())


@pytest.mark.parametrize("file", CODE, ids=name_of)
def test_only_settings_read_the_environment(file: Path) -> None:
    if file.name not in ("settings.py", "__main__.py"):
        assert "os.environ" not in file.read_text()


@pytest.mark.parametrize("file", sorted((ROOT / "examples").iterdir()), ids=name_of)
def test_every_example_can_be_loaded(file: Path) -> None:
    assert load({}, {}, file).data_dir


def test_migrations_are_numbered_in_their_order() -> None:
    assert migrations.head() == ScriptDirectory.from_config(migrations.config()).get_current_head()
