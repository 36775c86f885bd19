"""Errors a caller can act on. Each class is one HTTP status and one error code.

Harbor's API and the OCI distribution API answer alike, with
``{"errors": [{"code": ..., "message": ...}]}``, so one renderer serves both.
"""

from collections.abc import Mapping
from typing import Any

from harbor.core import i18n


class HarborError(Exception):
    """Base of every expected failure. Anything else that escapes is a 500 and a bug."""

    status = 500
    code = "UNKNOWN"
    field = ""  # of the form, where the message belongs: ``ui.at_field``

    def __init__(
        self, message: str, *, headers: Mapping[str, str] | None = None, detail: object = None
    ) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})
        self.detail = detail

    @property
    def told(self) -> str:
        """The message in the reader's language, if it is a ``Phrase``."""
        return i18n.told(self.args[0])

    def body(self) -> dict[str, Any]:
        """The answer's body, in Harbor's and OCI's form."""
        error: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.detail is not None:
            error["detail"] = self.detail
        return {"errors": [error]}


class BadRequest(HarborError):
    status, code = 400, "BAD_REQUEST"


class Moved(HarborError):
    """What was asked for has another address now, which is in the header."""

    status, code = 301, "MOVED"

    def __init__(self, message: str, location: str) -> None:
        # Not for good: the old name may be given to something else.
        super().__init__(message, headers={"Location": location, "Cache-Control": "no-store"})


class Unauthorized(HarborError):
    status, code = 401, "UNAUTHORIZED"


class Forbidden(HarborError):
    status, code = 403, "FORBIDDEN"


class Denied(HarborError):
    status, code = 403, "DENIED"


class NotFound(HarborError):
    status, code = 404, "NOT_FOUND"


class MethodNotAllowed(HarborError):
    status, code = 405, "METHOD_NOT_ALLOWED"


class RequestTimeout(HarborError):
    """A header that did not come in time."""

    status, code = 408, "REQUEST_TIMEOUT"


class Conflict(HarborError):
    status, code = 409, "CONFLICT"


class Precondition(HarborError):
    status, code = 412, "PRECONDITION"


class ReferencedByOthers(HarborError):
    status, code = 412, "VIOLATE_FOREIGN_KEY_CONSTRAINT"


class TooLarge(HarborError):
    status, code = 413, "REQUEST_ENTITY_TOO_LARGE"


class Unprocessable(HarborError):
    """A parameter of the right shape with a value that is not allowed."""

    status, code = 422, "UNPROCESSABLE_ENTITY"


class TooManyRequests(HarborError):
    status, code = 429, "TOO_MANY_REQUEST"


class HeadersTooLarge(HarborError):
    status, code = 431, "REQUEST_HEADER_FIELDS_TOO_LARGE"


class BadGateway(HarborError):
    """Another server that is needed for this does not answer as it should."""

    status, code = 502, "BAD_GATEWAY"


class Unavailable(HarborError):
    """Busy or stopping: the same request may succeed a little later."""

    status, code = 503, "SERVICE_UNAVAILABLE"


class InsufficientStorage(HarborError):
    """The disk is full, or down to its reserve."""

    status, code = 507, "INSUFFICIENT_STORAGE"


# OCI distribution-spec v1.1, "Error Codes"; the status of each as Harbor answers it.


class BlobUnknown(HarborError):
    status, code = 404, "BLOB_UNKNOWN"


class UploadUnknown(HarborError):
    status, code = 404, "BLOB_UPLOAD_UNKNOWN"


class UploadBusy(HarborError):
    """Another request is writing to the same upload."""

    status, code = 409, "BLOB_UPLOAD_INVALID"


class DigestInvalid(HarborError):
    status, code = 400, "DIGEST_INVALID"


class ManifestBlobUnknown(HarborError):
    status, code = 400, "MANIFEST_BLOB_UNKNOWN"


class ManifestInvalid(HarborError):
    status, code = 400, "MANIFEST_INVALID"


class ManifestUnknown(HarborError):
    """Harbor says ``NOT_FOUND`` here; clients look at the status only."""

    status, code = 404, "MANIFEST_UNKNOWN"


class NameInvalid(HarborError):
    status, code = 400, "NAME_INVALID"


class NameUnknown(HarborError):
    status, code = 404, "NAME_UNKNOWN"


class SizeInvalid(HarborError):
    status, code = 400, "SIZE_INVALID"


class TagInvalid(HarborError):
    status, code = 400, "TAG_INVALID"


class RangeInvalid(HarborError):
    status, code = 416, "RANGE_INVALID"


class PageInvalid(HarborError):
    status, code = 400, "PAGINATION_NUMBER_INVALID"


class Unsupported(HarborError):
    status, code = 405, "UNSUPPORTED"
