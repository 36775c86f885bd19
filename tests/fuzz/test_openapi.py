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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "data", {"HARBOR_FAILED_LOGIN_DELAY_S": "0"})
    made.start()
    yield made
    made.clean_up()


@pytest.mark.parametrize("login", [("--auth", f"admin:{PASSWORD}"), ()], ids=["admin", "anonymous"])
def test_every_answer_is_one_that_the_document_announces(
    server: Server, tmp_path: Path, login: tuple[str, ...]
) -> None:
    ran = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"http://127.0.0.1:{server.port}/openapi.json",
            *login,
            f"--checks={','.join(CHECKS)}",
            f"--max-examples={EXAMPLES}",
            "--phases=coverage,fuzzing",
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
