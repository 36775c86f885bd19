"""What a server that only takes and gives images does not carry about."""

import subprocess
import sys

USED_BY_FEW = (
    "PIL",
    "aiofiles",
    "alembic",
    "argon2",
    "asyncpg",
    "authlib",
    "babel",
    "html.entities",
    "httpx2",
    "jinja2",
    "joserfc",
    "ldap3",
    "markdown_it",
    "prometheus_client",
    "tarfile",
    "webauthn",
    "yaml",
    "zstandard",
)


def test_libraries_that_few_servers_use_are_loaded_once_they_are_needed() -> None:
    program = "import sys, harbor.server; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert set(told.stdout.decode().split()).isdisjoint(USED_BY_FEW)
