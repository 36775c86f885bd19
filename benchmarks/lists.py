"""Lists in a registry that has grown: ``python -m benchmarks.lists [--pages]``.

A database is filled with users, projects, repositories, labels, blobs and audit rows; then each
list, and the page that shows it, is asked for again and again by one client. On SQLite, or on
PostgreSQL where HARBOR_TEST_DATABASE_URL says so (``tests/with_postgres python -m
benchmarks.lists``). With ``--keep`` the filled database stays, and the next run finds it.
"""

import argparse
import asyncio
import base64
import os
import re
import secrets
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, unquote, urlencode

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks import crowd
from benchmarks.processes import Failed, end_in_order
from benchmarks.registries import HARBOR, Keys, Registry, Side, launch
from harbor.core.db import Database, async_url
from tests.crash.server import PASSWORD

POSTGRESQL = os.environ.get("HARBOR_TEST_DATABASE_URL", "")
TARGET_MS = 50.0
COUNTED_AFTER_S = 60
WARM = 3  # requests that are not counted
USERS, PROJECTS, REPOSITORIES, LABELS = 50_000, 10_000, 10, 500
AUDIT, KINDS = 1_000_000, 100_000  # lines, and how many of them say something different
BLOBS = 1_000_000
SECRET_KEY = "a secret key that guards nothing but figures"  # noqa: S105
FIRST = 1_000  # the first id that is filled in
CROWD = FIRST + PROJECTS - 1  # a project with all users
# Counted out by the database itself: a million rows take seconds.
NUMBERS = (
    "WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < :n) "
)
MOMENT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', '2026-01-01', '-' || i || ' seconds')",
    "postgresql": "timestamptz '2026-01-01 00:00:00+00' - i * interval '1 second'",
}
DAY = {
    "sqlite": "date('now', '-' || i || ' days')",
    "postgresql": "current_date - i",
}
FILLED = (
    (
        "INSERT INTO harbor_user (user_id, username, email, password, realname, comment, "
        "sysadmin_flag, deleted, creation_time, update_time) {numbers} "
        "SELECT {first} + i, 'user' || i, 'user' || i || '@example.com', (SELECT password FROM "
        "harbor_user WHERE user_id = 1), 'User', '', false, false, {moment}, {moment} FROM numbers",
        USERS,
    ),
    (
        "INSERT INTO project (project_id, name, owner_id, deleted, creation_time, update_time) "
        "{numbers} SELECT {first} + i, 'project' || i, {first} + i * 5 % {users}, false, {moment}, "
        "{moment} FROM numbers",
        PROJECTS,
    ),
    (
        "INSERT INTO project_metadata (project_id, name, value, creation_time, update_time) "
        "{numbers} SELECT {first} + i, 'public', CASE WHEN i % 10 = 0 THEN 'true' ELSE 'false' END,"
        " {moment}, {moment} FROM numbers",
        PROJECTS,
    ),
    (
        "INSERT INTO project_member (project_id, entity_id, entity_type, role, creation_time, "
        "update_time) {numbers} SELECT {first} + i / 5, {first} + (i / 5 * 5 + i % 5) % {users}, "
        "'u', i % 5 + 1, {moment}, {moment} FROM numbers",
        PROJECTS * 5,
    ),
    (
        "INSERT INTO project_member (project_id, entity_id, entity_type, role, creation_time, "
        "update_time) {numbers} SELECT {crowd}, {first} + i, 'u', i % 5 + 1, {moment}, {moment} "
        "FROM numbers",
        USERS - 5,
    ),
    (
        "INSERT INTO quota (project_id, hard, used, creation_time, update_time) {numbers} "
        "SELECT {first} + i, CASE WHEN i % 3 = 0 THEN -1 ELSE 1000000000 + i END, i * 1000, "
        "{moment}, {moment} FROM numbers",
        PROJECTS,
    ),
    (
        "INSERT INTO repository (name, project_id, description, pull_count, creation_time, "
        "update_time) {numbers} SELECT 'project' || (i / {each}) || '/app' || (i % {each}), "
        "{first} + i / {each}, '', i, {moment}, {moment} FROM numbers",
        PROJECTS * REPOSITORIES,
    ),
    (
        "INSERT INTO label (name, description, color, scope, project_id, creation_time, "
        "update_time) {numbers} SELECT 'label' || i, '', '#0065AB', 'g', 0, {moment}, {moment} "
        "FROM numbers",
        LABELS,
    ),
    (
        "INSERT INTO blob (digest, size, creation_time) {numbers} SELECT 'sha256:' || i, 1000 + i, "
        "{moment} FROM numbers",
        BLOBS,
    ),
    (
        "INSERT INTO store_tally (project_id, nbytes) {numbers} SELECT {first} + i, 100000 + i "
        "FROM numbers",
        PROJECTS,
    ),
    (
        "INSERT INTO audit_tally (id, key, project_id, operation, operation_result, resource_type, "
        "resource, username, lines) {numbers} SELECT {first} + i, 'filled ' || i, {line}, "
        "{audit} / {kinds} FROM numbers",
        KINDS,
    ),
    (
        "INSERT INTO audit_log_ext (tally_id, project_id, operation, operation_result, "
        "resource_type, resource, username, operation_description, op_time) {numbers} "
        "SELECT {first} + i % {kinds}, {line}, 'about it', {moment} FROM numbers",
        AUDIT,
    ),
)
# One user has 60 of 100 lines, and one operation 80.
LINE = (
    "{first} + i % {projects}, CASE i % 10 WHEN 0 THEN 'create' WHEN 1 THEN 'delete' ELSE 'pull' "
    "END, true, 'artifact', 'project' || (i % {projects}) || '/app' || (i % {kinds} / {projects}) "
    "|| ':' || (i % 100), CASE WHEN i % 10 < 6 THEN 'ci' ELSE 'user' || (i % 1000) END"
)


@dataclass(frozen=True)
class Ask:
    """One list, as one caller asks for it."""

    who: str  # admin, user0, nobody
    path: str
    query: Mapping[str, str] | None = None

    @property
    def target(self) -> str:
        return self.path + (f"?{urlencode(self.query, quote_via=quote)}" if self.query else "")


API = "/api/v2.0"
RANGE = "op_time=[2025-12-30T00:00:00~2025-12-31T00:00:00]"
LISTS = (
    *(Ask(who, f"{API}/projects") for who in ("admin", "user0", "nobody")),
    Ask("admin", f"{API}/projects", {"q": "name=~ject77", "page_size": "100"}),
    Ask("admin", f"{API}/projects", {"sort": "-creation_time", "page": "500"}),
    Ask("user0", f"{API}/projects", {"public": "false"}),
    Ask("admin", f"{API}/projects/{FIRST}/members"),
    Ask("admin", f"{API}/projects/{CROWD}/members"),
    Ask("admin", f"{API}/projects/{CROWD}/members", {"page": "500", "page_size": "100"}),
    Ask("admin", f"{API}/projects/{CROWD}/members", {"entityname": "user123"}),
    Ask("admin", f"{API}/projects/{FIRST}/summary"),
    Ask("admin", f"{API}/projects/{CROWD}/summary"),
    Ask("admin", f"{API}/quotas"),
    Ask("admin", f"{API}/quotas", {"sort": "-used.storage", "page_size": "100"}),
    Ask("admin", f"{API}/labels", {"scope": "g"}),
    Ask("user0", f"{API}/users/search", {"username": "user123"}),
    Ask("admin", f"{API}/statistics"),
    Ask("user0", f"{API}/statistics"),
    Ask("admin", f"{API}/search", {"q": "project77"}),
    Ask("nobody", f"{API}/search", {"q": "app7"}),
    *(Ask(who, f"{API}/search", {"q": ""}) for who in ("admin", "user0")),
    Ask("admin", f"{API}/auditlog-exts"),
    Ask("admin", f"{API}/auditlog-exts", {"page": "1000"}),
    *(
        Ask("admin", f"{API}/auditlog-exts", {"q": q})
        for q in (
            "username=user7",
            "username=ci",
            "operation=create",
            "operation=pull",
            "operation=delete,username=ci",
            "resource=~project77",
            "resource=~app7:1",
            "resource=~pp",
            "resource=~nothing",
            "op_result=false",
            RANGE,
            f"{RANGE},username=ci",
        )
    ),
    *(Ask("admin", f"{API}/auditlog-exts", {"sort": s}) for s in ("username", "-resource")),
    Ask("admin", f"{API}/audit-logs"),
    Ask("user0", f"{API}/auditlog-exts"),
    Ask("admin", f"{API}/projects/project0/auditlog-exts"),
    *(Ask("admin", path, query) for path, query in crowd.LISTS),
)
PAGES = (
    *(Ask(who, "/harbor/projects") for who in ("admin", "user0", "nobody")),
    Ask("admin", f"/harbor/projects/{FIRST}/summary"),
    Ask("admin", f"/harbor/projects/{FIRST}/members"),
    Ask("admin", f"/harbor/projects/{CROWD}/members"),
    Ask("admin", f"/harbor/projects/{FIRST}/labels"),
    Ask("admin", f"/harbor/projects/{FIRST}/logs"),
    Ask("admin", f"/harbor/projects/{FIRST}/configs"),
    Ask("admin", "/harbor/logs"),
    Ask("admin", "/harbor/logs", {"by": "resource", "text": "app7"}),
    Ask("admin", "/harbor/logs", {"by": "username", "text": "ci"}),
    Ask("admin", "/harbor/labels"),
    Ask("admin", "/harbor/project-quotas"),
    Ask("admin", "/harbor/search", {"q": "project77"}),
    Ask("admin", "/harbor/statistics"),
    *(Ask("admin", path, query) for path, query in crowd.PAGES),
)


async def fill(url: str) -> None:
    db = Database(url)
    kind = "sqlite" if db.is_sqlite else "postgresql"
    values = {
        "numbers": NUMBERS,
        "moment": MOMENT[kind],
        "day": DAY[kind],
        "bytes": crowd.BYTES[kind],
        "later": crowd.LATER[kind],
        "first": FIRST,
        "crowd": CROWD,
        "users": USERS,
        "projects": PROJECTS,
        "each": REPOSITORIES,
        "audit": AUDIT,
        "kinds": KINDS,
    }
    values["line"] = LINE.format(**values)
    async with db.engine.begin() as connection:
        for statement, count in FILLED:
            await connection.execute(text(statement.format(**values)), {"n": count})
        for statement, number in crowd.FILLED:
            told = {} if number is None else {"n": number}
            made = statement.format(**values | crowd.VALUES)
            # A colon would begin a parameter.
            await connection.execute(text(re.sub(r":(?!n\b)", r"\\:", made)), told)
    if not db.is_sqlite:
        # As PostgreSQL does by itself some minutes later; on SQLite nobody ever does.
        await administer(url, "VACUUM ANALYZE")
    await db.close()


@contextmanager
def database(folder: Path, kept: str) -> Iterator[tuple[str, bool]]:
    """The URL of a database, and whether it is new; it stays if it is to be *kept*."""
    if not POSTGRESQL:
        file = Path(kept or folder).absolute() / "harbor.db"
        file.parent.mkdir(parents=True, exist_ok=True)
        yield f"sqlite:///{file}", not file.exists()
        return
    name = f"harbor_lists_{Path(kept).name if kept else secrets.token_hex(6)}"
    known = f"SELECT 1 FROM pg_database WHERE datname = '{name}'"  # noqa: S608, a name of ours
    is_new = not asyncio.run(administer(POSTGRESQL, known))
    if is_new:
        asyncio.run(administer(POSTGRESQL, f'CREATE DATABASE "{name}"'))
    yield f"{POSTGRESQL.rpartition('/')[0]}/{name}", is_new
    if not kept:
        asyncio.run(administer(POSTGRESQL, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def administer(url: str, statement: str) -> bool:
    """Run a statement outside of transactions; whether it found anything."""
    engine = create_async_engine(async_url(url), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        result = await connection.execute(text(statement))
        found = result.returns_rows and result.first() is not None
    await engine.dispose()
    return found


def measure(registry: Registry, ask: Ask, times: int) -> tuple[list[float], float]:
    """Milliseconds that each answer took, and of the server's processor; the first few left out."""
    registry.process.check_alive()
    connection = HTTPConnection("127.0.0.1", registry.port, timeout=60)
    headers = {"Accept": "text/html" if ask.path.startswith("/harbor") else "application/json"}
    if ask.who != "nobody":
        basic = base64.b64encode(f"{ask.who}:{PASSWORD}".encode()).decode()
        headers["Authorization"] = f"Basic {basic}"
    took: list[float] = []
    used_s = 0.0
    patience = time.monotonic() + COUNTED_AFTER_S
    while len(took) < times + WARM:
        if len(took) == WARM:
            used_s = registry.process.cpu_s()
        began = time.perf_counter()
        connection.request("GET", ask.target, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and time.monotonic() < patience:
            time.sleep(1)  # what is large is counted some time after the start
            continue
        took.append((time.perf_counter() - began) * 1000)
        if answer.status != HTTPStatus.OK:
            raise Failed(f"GET {ask.target} as {ask.who}: {answer.status} {body[:300]!r}")
    connection.close()
    used_s = registry.process.cpu_s() - used_s
    return took[WARM:], used_s * 1000 / times


def report(registry: Registry, asks: Sequence[Ask], times: int) -> int:
    """Print a line for each; how many were slower than they should be."""
    slow = 0
    for ask in asks:
        took, used = measure(registry, ask, times)
        median = statistics.median(took)
        slow += median > TARGET_MS
        mark = "NO" if median > TARGET_MS else "yes"
        print(
            f"{median:8.1f} {min(took):8.1f} {used:8.1f}  {mark:4} {ask.who:7} {ask.target}",
            flush=True,
        )
    return slow


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument("--times", type=int, default=21, help="requests for each list")
    parser.add_argument("--pages", action="store_true", help="the pages as well")
    parser.add_argument("--only", default="", help="those with this text in their address")
    parser.add_argument(
        "--keep", default="", metavar="FOLDER", help="where a filled database stays, or is found"
    )
    end_in_order()
    told = parser.parse_args()
    asks = [
        ask
        for ask in LISTS + (PAGES if told.pages else ())
        if told.only in unquote(f"{ask.who} {ask.target}")
    ]
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as text_of_folder:
        folder = Path(text_of_folder)
        with database(folder, told.keep) as (url, is_new):
            settings = {
                "HARBOR_DATABASE_URL": url,
                "HARBOR_ADMIN_PASSWORD": PASSWORD,
                "HARBOR_SECRET_KEY": SECRET_KEY,
            }
            if is_new:
                migrate = [str(HARBOR), "migrate", "--data-dir", str(folder / "first")]
                subprocess.run(migrate, env=os.environ | settings, check=True, capture_output=True)
                asyncio.run(fill(url))
            side = Side("ours", is_ours=True, pinned=False)
            registry = launch(side, folder / "data", Keys(folder), settings)
            try:
                print("  median    least  used of the processor  met  caller  list (milliseconds)")
                slow = report(registry, asks, told.times)
            finally:
                registry.process.stop()
    print(f"{slow} slower than {TARGET_MS:.0f} ms")


if __name__ == "__main__":
    main()
