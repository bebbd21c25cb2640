"""Answers, and how an error looks to clients of both protocols.

MLflow clients read ``error_code`` and ``message``, V2 clients ``error``; ``field`` names what was wrong. Tracebacks
and paths stay inside.
"""

from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

from volant.kernel.errors import HTTP_STATUS, VolantError

JSON = b"application/json"
TEXT = b"text/plain; version=0.0.4; charset=utf-8"

MLFLOW_CODES = {
    "not_found": "RESOURCE_DOES_NOT_EXIST",
    "already_exists": "RESOURCE_ALREADY_EXISTS",
    "conflict": "RESOURCE_CONFLICT",
    "invalid_input": "INVALID_PARAMETER_VALUE",
    "usage": "BAD_REQUEST",
    "too_large": "INVALID_PARAMETER_VALUE",
    "unauthenticated": "UNAUTHENTICATED",
    "not_allowed": "PERMISSION_DENIED",
    "unavailable": "TEMPORARILY_UNAVAILABLE",
}


class Reply(NamedTuple):
    """A complete answer; ``headers`` are further ones."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_reply(value: Any, status: int = 200) -> Reply:
    """A value as JSON."""
    return Reply(status, orjson.dumps(value))


def error_reply(error: VolantError) -> Reply:
    """An error of the tree, with the status of its class."""
    text = error.what if error.found is None else f"{error.what} Found: {error.found}."
    reply = json_reply(_body(text, MLFLOW_CODES.get(error.code, "INTERNAL_ERROR"), error.field, error.next_step), HTTP_STATUS[error.code])
    if error.code == "unauthenticated":
        return reply._replace(headers=((b"www-authenticate", b"Bearer"),))
    return reply


def refusal(status: HTTPStatus, text: str, *, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
    """A refusal by HTTP itself: no such route, wrong method, wrong media type."""
    code = "ENDPOINT_NOT_FOUND" if status == HTTPStatus.NOT_FOUND else "BAD_REQUEST"
    return json_reply(_body(text, code, None, None), status)._replace(headers=headers)


def _body(text: str, code: str, field: str | None, next_step: str | None) -> dict[str, Any]:
    body = {"error": text, "error_code": code, "message": text}
    if field is not None:
        body["field"] = field
    if next_step is not None:
        body["next"] = next_step
    return body
