"""The OpenAPI 3.1 document, derived from the very operations that are served."""

import inspect
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harbor.core import wire
from harbor.core.api import Created, Op, View

PARAMETER = re.compile(r"{(\w+)}")
NOT_DATA = (type(None), Created, View, Response)
ERRORS = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "detail": {},
                },
            },
        }
    },
}
SECURITY = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
FAILING = "failing"
NAMED: list[dict[str, list[str]]] = [{"basic": []}, {"bearer": []}]
NAMELESS: list[dict[str, list[str]]] = [{}]  # yet those who have a name may see more


def document(ops: Sequence[Op], title: str, version: str) -> dict[str, Any]:
    """All of *ops* but the pages."""
    ops = [op for op in ops if not op.page]
    kinds = [kind for op in ops for kind in data(op).values()]
    found, components = msgspec.json.schema_components(
        kinds, schema_hook=wire.schema_of, ref_template="#/components/schemas/{name}"
    )
    schemas = dict(zip(map(repr, kinds), found, strict=True))
    paths: dict[str, Any] = {}
    for op in ops:
        paths.setdefault(op.path, {})[op.method.lower()] = describe(op, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": components | {"Errors": ERRORS}, "securitySchemes": SECURITY},
    }


def data(op: Op) -> dict[str, Any]:
    """The parts of an operation that have a schema."""
    bare = ("query", "raw")
    found = {n: t for n, t in op.types.items() if n not in bare and t not in NOT_DATA}
    return found | ({FAILING: op.failing[1]} if op.failing else {})


def describe(op: Op, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = {name: schemas[repr(kind)] for name, kind in data(op).items()}
    success: dict[str, Any] = {"description": HTTPStatus(op.status).phrase}
    if "return" in schema:
        success["content"] = {"application/json": {"schema": schema["return"]}}
    described = {
        "operationId": op.id or camel(op.handler.__name__),
        "summary": (inspect.getdoc(op.handler) or "").partition("\n")[0],
        "tags": [op.tag],
        "security": NAMELESS + NAMED if op.allow.scope == "public" else NAMED,
        "x-permission": str(op.allow),
        "parameters": parameters(op, schema),
        "responses": {str(op.status): success, **failures(op, schema)},
    }
    if "body" in schema:
        content = {"application/json": {"schema": schema["body"]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def failures(op: Op, schema: dict[str, Any]) -> dict[str, Any]:
    """The failing answers by status, with the codes that come with each."""
    codes: dict[int, list[str]] = {}
    for error in op.failures:
        codes.setdefault(error.status, []).append(error.code)
    bodies = {status: {"$ref": "#/components/schemas/Errors"} for status in codes}
    if op.failing:
        bodies[op.failing[0]] = schema[FAILING]
    return {
        str(status): {
            "description": ", ".join(dict.fromkeys(found)),
            "content": {"application/json": {"schema": bodies[status]}},
        }
        for status, found in sorted(codes.items())
    }


def parameters(op: Op, schema: dict[str, Any]) -> list[dict[str, Any]]:
    path = [(name, schema[name], "path") for name in PARAMETER.findall(op.path)]
    query = []
    if kind := op.types.get("query"):
        fields = msgspec.json.schema(kind)["$defs"][kind.__name__]["properties"]
        query = [(name, of, "query") for name, of in fields.items()]
    return [
        {"name": name, "in": where, "required": where == "path", "schema": of}
        for name, of, where in path + query
    ]


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def route(ops: Sequence[Op], title: str, version: str) -> Route:
    """What serves the document of *ops*, which is made on first demand."""
    made: list[bytes] = []

    async def serve(_request: Request) -> Response:
        if not made:
            made.append(msgspec.json.encode(document(ops, title, version)))
        return Response(made[0], media_type="application/json")

    return Route("/openapi.json", serve)
