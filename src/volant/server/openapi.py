"""The OpenAPI description, made from the table that routing uses, so that the two cannot differ."""

import re
from collections.abc import Iterable
from typing import Any

from volant import __version__
from volant.access.routes import JSON, PUBLIC, Route

_PARAMETER = re.compile(r"\{(\w+)(?::path)?\}")
_ERROR = {
    "description": "What was asked, what was found, what to do next.",
    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_TEXT = {"type": ["string", "null"]}


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """OpenAPI 3.1 of all routes for programs (those with pages for people are left out)."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if _for_programs(route.path):
            path = _PARAMETER.sub(r"{\1}", route.path)
            paths.setdefault(path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Volant", "version": __version__},
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {
                        "error": {
                            "type": "object",
                            "required": ["code", "what"],
                            "properties": {
                                "code": {"type": "string"},
                                "what": {"type": "string"},
                                "found": _TEXT,
                                "next": _TEXT,
                                "field": _TEXT,
                            },
                        }
                    },
                }
            },
        },
    }


_SINGLE = frozenset({"/health", "/ready", "/metrics", "/events", "/labels", "/invocations", "/ping", "/version"})


def _for_programs(path: str) -> bool:
    return path.startswith(("/api/", "/v2")) or path in _SINGLE


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub(r'[^a-z0-9]+', '_', route.path.lower()).rstrip('_')}",
        "summary": route.summary,
        "x-permission": route.needs.value,
        "security": [] if route.needs is PUBLIC else [{"token": []}],
        "parameters": [_parameter(name, "path", None) for name in _PARAMETER.findall(route.path)]
        + [_parameter(name, "query", text) for name, text in route.query.items()],
        "responses": {"200": {"description": "Done.", "content": {JSON: {}}}, "default": _ERROR},
    }
    if route.body:
        fields = {name: {"description": text} for name, text in route.body.items()}
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": {"type": "object", "properties": fields}}}}
    return operation


def _parameter(name: str, place: str, text: str | None) -> dict[str, Any]:
    described = {} if text is None else {"description": text}
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}, **described}
