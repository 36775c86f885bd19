"""The fixtures of the files whose tests share one server."""

from tests.auth.browsers import wait
from tests.auth.oidc import provider
from tests.directory.test_web import identity
from tests.registry.servers import repo, shared, shared_change, shared_rows, shared_settings

__all__ = [
    "identity",
    "provider",
    "repo",
    "shared",
    "shared_change",
    "shared_rows",
    "shared_settings",
    "wait",
]
