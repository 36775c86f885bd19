"""A registry from before there were quotas is charged for what it holds."""

import asyncio
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from harbor.app import Building, prepare
from harbor.core.settings import Settings
from tests.conftest import Start, running
from tests.make import push_blob, push_image, push_index
from tests.quotas.storage import NONE, begin, make_limited, quota_of

ROOT = Path(__file__).parents[2]


def downgrade(settings: Settings, revision: str) -> None:
    told = {
        "HARBOR_DATA_DIR": str(settings.data),
        "HARBOR_DATABASE_URL": settings.database_url,
    }
    subprocess.run(
        [sys.executable, "-m", "alembic", "downgrade", revision],
        check=True,
        cwd=ROOT,
        env=os.environ | told,
        capture_output=True,
    )


def test_what_older_versions_took_in_is_charged(start: Start, settings: Settings) -> None:
    # This server is stopped before its tables change under it.
    with contextmanager(running)() as begin_server:
        client = begin_server(Building(settings))
        for project in (make_limited(client), make_limited(client, 10**6)):
            one, two = (push_image(client, f"{project}/{name}") for name in ("app", "web"))
            push_index(client, f"{project}/app", "multi", one)
            push_blob(client, f"{project}/app", two.raw)
            push_blob(client, f"{project}/app", b"spare")
            begin(client, f"{project}/app")
            before = quota_of(client, project)["used"]
            assert before["storage"] > 0
    downgrade(settings, "0001")
    asyncio.run(prepare(settings))
    after = quota_of(start(), project)
    assert (after["used"], after["hard"]) == (before, {"storage": NONE})
