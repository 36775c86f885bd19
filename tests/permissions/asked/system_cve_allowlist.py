from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    return {"putSystemCVEAllowlist": lambda: {"json": {"items": [{"cve_id": "CVE-2024-1"}]}}}
