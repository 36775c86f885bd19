from typing import Any

import pytest

from harbor.core import errors, web
from harbor.core.errors import HarborError

# Harbor's codes, and those of the OCI distribution API, with the status of each.
CODES = {
    "BadRequest": (400, "BAD_REQUEST"),
    "Unauthorized": (401, "UNAUTHORIZED"),
    "Forbidden": (403, "FORBIDDEN"),
    "Denied": (403, "DENIED"),
    "NotFound": (404, "NOT_FOUND"),
    "MethodNotAllowed": (405, "METHOD_NOT_ALLOWED"),
    "Conflict": (409, "CONFLICT"),
    "Precondition": (412, "PRECONDITION"),
    "ReferencedByOthers": (412, "VIOLATE_FOREIGN_KEY_CONSTRAINT"),
    "TooLarge": (413, "REQUEST_ENTITY_TOO_LARGE"),
    "Unprocessable": (422, "UNPROCESSABLE_ENTITY"),
    "TooManyRequests": (429, "TOO_MANY_REQUEST"),
    "InsufficientStorage": (507, "INSUFFICIENT_STORAGE"),
    "BlobUnknown": (404, "BLOB_UNKNOWN"),
    "UploadUnknown": (404, "BLOB_UPLOAD_UNKNOWN"),
    "UploadBusy": (409, "BLOB_UPLOAD_INVALID"),
    "DigestInvalid": (400, "DIGEST_INVALID"),
    "ManifestBlobUnknown": (400, "MANIFEST_BLOB_UNKNOWN"),
    "ManifestInvalid": (400, "MANIFEST_INVALID"),
    "ManifestUnknown": (404, "MANIFEST_UNKNOWN"),
    "NameInvalid": (400, "NAME_INVALID"),
    "NameUnknown": (404, "NAME_UNKNOWN"),
    "SizeInvalid": (400, "SIZE_INVALID"),
    "TagInvalid": (400, "TAG_INVALID"),
    "RangeInvalid": (416, "RANGE_INVALID"),
    "PageInvalid": (400, "PAGINATION_NUMBER_INVALID"),
    "Unsupported": (405, "UNSUPPORTED"),
    "HarborError": (500, "UNKNOWN"),
}


@pytest.mark.parametrize("name", CODES)
def test_an_error_has_harbors_status_and_code(name: str) -> None:
    kind: type[HarborError] = getattr(errors, name)
    answer = web.render(kind("it happened"))
    assert answer.status_code == CODES[name][0]
    assert kind("it happened").body() == {
        "errors": [{"code": CODES[name][1], "message": "it happened"}]
    }
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


def test_every_error_has_a_status_and_a_code_of_its_own() -> None:
    for kind in HarborError.__subclasses__():
        assert 300 <= kind.status < 600
        assert kind.code == kind.code.upper()
        assert kind.code != "UNKNOWN"


@pytest.mark.parametrize("detail", [{"digest": "sha256:abc"}, ["a"], "text", 0, False])
def test_a_detail_is_told_if_there_is_one(detail: Any) -> None:
    (error,) = errors.BlobUnknown("gone", detail=detail).body()["errors"]
    assert error["detail"] == detail
    assert "detail" not in errors.BlobUnknown("gone").body()["errors"][0]


def test_an_error_may_bring_headers() -> None:
    answer = web.render(errors.Unauthorized("no", headers={"WWW-Authenticate": "Basic"}))
    assert answer.headers["WWW-Authenticate"] == "Basic"


def test_no_two_errors_share_their_headers() -> None:
    given = {"A": "1"}
    error = errors.Conflict("no", headers=given)
    error.headers["B"] = "2"
    assert given == {"A": "1"}
    assert errors.Conflict("no").headers == {}
