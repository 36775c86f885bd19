"""What is done: know the settings, and change them."""

from harbor.configuration.service.changes import accepted, shown, update
from harbor.configuration.service.current import Configuration
from harbor.configuration.service.endpoint import reach

__all__ = ["Configuration", "accepted", "reach", "shown", "update"]
