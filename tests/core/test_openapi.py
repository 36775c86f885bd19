import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.testclient import TestClient

from harbor.core import openapi
from harbor.core.api import Op
from harbor.core.openapi import camel
from harbor.doors import operations

DOCUMENT = openapi.document(operations(), "Harbor", "1.0")
DESCRIBED = [op for op in operations() if not op.page]


def described(op: Op) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][op.path][op.method.lower()]
    return found


def each() -> Iterator[tuple[Op, dict[str, Any]]]:
    for op in DESCRIBED:
        yield op, described(op)


def test_the_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_every_operation_but_the_pages_is_in_it() -> None:
    listed = {(path, method) for path, ops in DOCUMENT["paths"].items() for method in ops}
    assert listed == {(op.path, op.method.lower()) for op in DESCRIBED}


def test_no_two_operations_share_an_id() -> None:
    ids = [found["operationId"] for _, found in each()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9]+", name) for name in ids)


def test_an_operation_says_who_may_call_it() -> None:
    for op, found in each():
        assert found["x-permission"] == str(op.allow)
        assert ({} in found["security"]) == (op.allow.scope == "public")
        assert "401" in found["responses"] or op.allow.scope == "public"


def test_an_operation_has_a_summary() -> None:
    for _, found in each():
        assert found["summary"].endswith(".")


def test_every_parameter_of_a_path_is_described() -> None:
    for op, found in each():
        in_path = [p["name"] for p in found["parameters"] if p["in"] == "path"]
        assert in_path == re.findall(r"{(\w+)}", op.path)
        assert all(p["required"] for p in found["parameters"] if p["in"] == "path")


def test_every_failure_that_is_declared_is_described() -> None:
    for op, found in each():
        for kind in op.fails:
            answer = found["responses"][str(kind.status)]
            assert kind.code in answer["description"]
            schema = answer["content"]["application/json"]["schema"]
            says_else = op.failing is not None and op.failing[0] == kind.status
            assert (schema == {"$ref": "#/components/schemas/Errors"}) != says_else


def test_a_failure_that_says_something_else_is_described() -> None:
    told = DOCUMENT["paths"]["/api/v2.0/ldap/users/import"]["post"]["responses"]
    (kind,) = told["404"]["content"].values()
    assert kind["schema"]["items"] == {"$ref": "#/components/schemas/LdapFailedImportUser"}
    (kind,) = told["400"]["content"].values()
    assert kind["schema"] == {"$ref": "#/components/schemas/Errors"}


def test_the_query_of_a_list_is_described() -> None:
    tags = DOCUMENT["paths"]["/v2/{name}/tags/list"]["get"]
    assert [p["name"] for p in tags["parameters"] if p["in"] == "query"] == ["n", "last"]
    mount = DOCUMENT["paths"]["/v2/{name}/blobs/uploads/"]["post"]
    queries = [p["name"] for p in mount["parameters"] if p["in"] == "query"]
    assert queries == ["digest", "mount", "from"]


def test_a_body_is_described() -> None:
    body = DOCUMENT["paths"]["/api/v2.0/projects"]["post"]["requestBody"]
    assert body["required"] is True
    reference = body["content"]["application/json"]["schema"]["$ref"]
    assert reference == "#/components/schemas/ProjectReq"


def test_every_reference_leads_somewhere() -> None:
    def references(part: object) -> Iterator[str]:
        if isinstance(part, dict):
            for key, value in part.items():
                if key == "$ref":
                    yield value
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    schemas = DOCUMENT["components"]["schemas"]
    for reference in references(DOCUMENT):
        assert reference.removeprefix("#/components/schemas/") in schemas


def test_the_document_is_served_to_anybody(client: TestClient) -> None:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["paths"].keys() == DOCUMENT["paths"].keys()
    assert client.get("/openapi.json").content == answer.content


@pytest.mark.parametrize(
    ("name", "expected"),
    [("list_tags", "listTags"), ("ping", "ping"), ("get_current_user_info", "getCurrentUserInfo")],
)
def test_names_are_written_as_in_harbors_document(name: str, expected: str) -> None:
    assert camel(name) == expected
