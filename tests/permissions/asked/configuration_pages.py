from collections.abc import Callable

from tests.make import Login
from tests.permissions.world import Request, World

FORM = {
    "session_timeout": "60",
    "token_expiration": "30",
    "robot_name_prefix": "robot$",
    "robot_token_duration": "30",
    "trash_days": "7",
    "notification_enable": "true",
    "quota_per_project_enable": "true",
}


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    return {
        "saveSettings": lambda: {"data": dict(FORM)},
        "saveEmail": lambda: {"data": {"email_port": "25"}},
        "sendTestMessage": lambda: {"data": {"to": "ann@example.com"}},
    }
