"""What a request gives: its query and its body, as an operation reads them."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from harbor.core.errors import BadRequest, TooLarge


def asked(request: Request) -> list[tuple[str, str]]:
    """The query as Starlette reads it, without the mappings that it makes of it."""
    raw: bytes = request.scope["query_string"]
    return parse_qsl(raw.decode("latin-1"), keep_blank_values=True) if raw else []


async def body_of(request: Request, limit: int) -> bytes:
    """The whole body; ``TooLarge`` as soon as more than *limit* bytes are announced or come."""
    announced = request.headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdigit():
        raise BadRequest("invalid Content-Length")
    if int(announced) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    pieces: list[bytes] = []
    total = 0
    async for piece in request.stream():
        total += len(piece)
        if total > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        pieces.append(piece)
    return b"".join(pieces)
