"""Byte ranges: which part of a blob is asked for, and where a chunk belongs.

Source: RFC 9110 section 14; OCI distribution-spec v1.1 "Pushing a blob in chunks".
"""

import re

from harbor.core.errors import BadRequest, RangeInvalid

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
CONTENT_RANGE = re.compile(r"(?:bytes[ =])?(\d{1,18})-(\d{1,18})(?:/(?:\d{1,18}|\*))?", re.ASCII)


def asked(header: str, size: int) -> tuple[int, int] | None:
    """The bytes asked for, as start and stop; ``None`` if it is all of them.

    A header that is no range, or names several, is ignored, as RFC 9110 allows. One that lies
    outside, or ends before it begins, raises ``RangeInvalid``.
    """
    match = RANGE.fullmatch(header.strip())
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":  # the last so many bytes
        start, stop = max(size - int(match[2]), 0), size
    else:
        start = int(match[1])
        stop = min(int(match[2]) + 1, size) if match[2] else size
    if start >= stop:
        raise RangeInvalid(
            f"the range {header.strip()} is not within {size} bytes",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return start, stop


def of_chunk(header: str) -> tuple[int, int]:
    """Where a chunk begins, and how many bytes it has."""
    match = CONTENT_RANGE.fullmatch(header.strip())
    if match is None:
        raise BadRequest("invalid Content-Range: expected <first>-<last>")
    first, last = int(match[1]), int(match[2])
    if last < first:
        raise RangeInvalid("invalid Content-Range: the last byte is before the first")
    return first, last - first + 1
