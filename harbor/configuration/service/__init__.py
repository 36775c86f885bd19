"""What is done: know the settings, and change them."""

from harbor.configuration.service.changes import (
    SettingsChanged,
    accepted,
    called_like_robots,
    change,
    shown,
    update,
)
from harbor.configuration.service.current import Configuration
from harbor.configuration.service.endpoint import reach
from harbor.configuration.service.mailing import mail_server

__all__ = [
    "Configuration",
    "SettingsChanged",
    "accepted",
    "called_like_robots",
    "change",
    "mail_server",
    "reach",
    "shown",
    "update",
]
