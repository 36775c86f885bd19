"""Whatever our own OpenAPI document allows, and much that it forbids, sent by Schemathesis.

No request may be answered with a 5xx, or with anything that the document does not announce.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.server import PASSWORD, Server

pytestmark = pytest.mark.fuzz
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
EXAMPLES = 5
RENAMES_ADMIN = "/api/internal/renameadmin"  # after it nobody could sign in any more


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    # Whatever is sent, the server must not become read-only: the rest would all be refused.
    pinned = {"HARBOR_CONFIG_OVERWRITE_JSON": '{"read_only": false}'}
    made = Server(tmp_path / "data", {"HARBOR_FAILED_LOGIN_DELAY_S": "0"} | pinned)
    made.start()
    yield made
    made.clean_up()


# Strangers are turned away before most values are looked at: random ones show nothing more.
@pytest.mark.parametrize(
    "how",
    [("--auth", f"admin:{PASSWORD}", "--phases=coverage,fuzzing"), ("--phases=coverage",)],
    ids=["admin", "anonymous"],
)
def test_every_answer_is_one_that_the_document_announces(
    server: Server, tmp_path: Path, how: tuple[str, ...]
) -> None:
    ran = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"http://127.0.0.1:{server.port}/openapi.json",
            *how,
            f"--checks={','.join(CHECKS)}",
            f"--max-examples={EXAMPLES}",
            f"--exclude-path={RENAMES_ADMIN}",
            "--continue-on-failure",
            "--no-color",
            "--generation-database=none",
            "--warnings=off",
            f"--report-dir={tmp_path / 'report'}",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    print(ran.stdout[-2000:])
    assert ran.returncode == 0, ran.stdout[-20_000:]
    assert "Traceback" not in server.output()
