"""What is done: see whether the receiver of the audit log is there."""

import asyncio
import re

from harbor.core.errors import BadRequest

REACH_S = 3.0
ENDPOINT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(?P<port>[0-9]{1,5})")
MAX_PORT = 65_535


async def reach(endpoint: str) -> None:
    """Return if *endpoint*, ``host:port``, takes a TCP connection; else ``BadRequest``."""
    found = ENDPOINT.fullmatch(endpoint)
    if found is None or not 0 < int(found["port"]) <= MAX_PORT:
        raise BadRequest("bad request: audit_log_forward_endpoint: expected host:port")
    try:
        async with asyncio.timeout(REACH_S):
            _, writer = await asyncio.open_connection(found["host"].strip("[]"), found["port"])
            writer.close()
            await writer.wait_closed()
    except (OSError, UnicodeError) as error:  # a name may be too long for DNS
        raise BadRequest(
            f"bad request: audit_log_forward_endpoint: {endpoint} takes no connection"
        ) from error
