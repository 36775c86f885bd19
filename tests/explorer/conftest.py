"""The fixtures of the files whose tests share one server."""

from tests.registry.servers import repo, shared, shared_change, shared_rows, shared_settings

__all__ = ["repo", "shared", "shared_change", "shared_rows", "shared_settings"]
