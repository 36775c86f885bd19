"""Answers of ``/v2`` that are not JSON: where things are, and what follows."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from starlette.responses import Response

from harbor.core.oci import Digest


def whereabouts(name: str, upload_id: str, size: int) -> dict[str, str]:
    return {
        "Location": f"/v2/{name}/blobs/uploads/{upload_id}",
        "Range": f"0-{max(size - 1, 0)}",
        "Docker-Upload-UUID": upload_id,
    }


def going_on(name: str, upload_id: str, size: int, status: int) -> Response:
    return Response(status_code=status, headers=whereabouts(name, upload_id, size))


def kept(name: str, digest: Digest) -> Response:
    headers = {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
    return Response(status_code=201, headers=headers)


def one_more(limit: int | None) -> int | None:
    """How many to find, so that it is seen whether any follow."""
    return None if limit is None else limit + 1


def next_page(path: str, limit: int | None, shown: Sequence[str], *, more: bool) -> dict[str, str]:
    """The ``Link`` to what follows."""
    if not (more and shown and limit):
        return {}
    query = urlencode({"n": limit, "last": shown[-1]}, quote_via=quote)
    return {"Link": f'<{path}?{query}>; rel="next"'}
