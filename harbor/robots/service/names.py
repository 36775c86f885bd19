"""What is done: say how a robot is called, and how long it lives."""

import re
from datetime import datetime

from harbor.core.errors import BadRequest
from harbor.core.machines import NEVER, stored
from harbor.core.oci import shown

NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
MAX_STORED = 191  # characters, so that there is room for every prefix
MAX_DURATION = 2**31 - 2  # days
DAY_S = 24 * 3600


def check_name(name: str, project_name: str | None) -> None:
    """``BadRequest`` if no robot can be called that."""
    if not NAME.fullmatch(name):
        raise BadRequest(
            f"bad request robot name: {shown(name)}: lower case letters and digits, "
            "with single ., _ or - between them"
        )
    if len(stored(name, project_name)) > MAX_STORED:
        raise BadRequest(
            f"bad request robot name: with its project it has more than {MAX_STORED} characters"
        )


def check_duration(days: int) -> None:
    if days != NEVER and not 0 < days <= MAX_DURATION:
        raise BadRequest(
            "bad request robot duration: it is -1 for ever, or a positive number of days"
        )


def end(since: datetime, days: int) -> int:
    """When it expires, in seconds since 1970."""
    return NEVER if days == NEVER else int(since.timestamp()) + days * DAY_S
