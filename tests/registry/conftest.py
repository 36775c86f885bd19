"""The fixtures of the files whose tests share one server."""

from tests.registry.servers import (
    counted,
    repo,
    shared,
    shared_change,
    shared_rows,
    shared_settings,
)

__all__ = ["counted", "repo", "shared", "shared_change", "shared_rows", "shared_settings"]
