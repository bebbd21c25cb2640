"""The table of all routes, and finding the one a request means. What is not in the table is denied."""

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from volant.access.routes import Route
from volant.kernel.errors import InternalError, InvalidInputError, NotFoundError, VolantError

MAX_PATH = 4096


class MethodNotAllowedError(InvalidInputError):
    """The path exists, the method does not; ``allowed`` names those that do."""

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{method} is not possible here.", next_step=f"use {' or '.join(allowed)}")
        self.allowed = allowed


class RouteTable:
    """Routes by path. Raises at once when two declarations claim the same method and path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._exact: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[tuple[str, ...], dict[str, Route]]] = []
        for route in self.routes:
            self._declare(route)

    def _declare(self, route: Route) -> None:
        if (route.handler is None) == (route.stream is None) or not route.path.startswith("/"):
            raise InternalError(f"{route.method} {route.path} must have one handler and an absolute path.")
        methods = self._methods_of(route.path)
        if route.method in methods:
            raise InternalError(f"{route.method} {route.path} is declared twice.")
        methods[route.method] = route

    def _methods_of(self, path: str) -> dict[str, Route]:
        if "{" not in path:
            return self._exact.setdefault(path, {})
        pattern = tuple(path.split("/")[1:])
        for known, methods in self._patterns:
            if _shape(known) == _shape(pattern):
                return methods
        fresh: dict[str, Route] = {}
        self._patterns.append((pattern, fresh))
        self._patterns.sort(key=lambda entry: _openness(entry[0]))
        return fresh

    def find(self, method: str, raw_path: bytes) -> tuple[Route, dict[str, str]]:
        """The route for a request line's path (still percent-encoded, without query) and the values in it.

        Segments are decoded one by one after they were taken apart, so ``%2F`` cannot make another path.
        ``NotFoundError``, ``MethodNotAllowedError``, ``InvalidInputError``.
        """
        segments = _segments(raw_path)
        asked = "GET" if method == "HEAD" else method
        allowed: dict[str, Route] = {}
        for methods, params in self._matching(segments):
            if asked in methods:
                return methods[asked], params
            allowed |= methods
        if allowed:
            raise MethodNotAllowedError(method[:20], tuple(sorted(allowed)))
        raise _nothing_at(segments)

    def _matching(self, segments: tuple[str, ...]) -> Iterable[tuple[dict[str, Route], dict[str, str]]]:
        exact = self._exact.get("/" + "/".join(segments))
        if exact is not None and not any("/" in segment for segment in segments):
            yield exact, {}
        for pattern, methods in self._patterns:
            params = _match(pattern, segments)
            if params is not None:
                yield methods, params


def _segments(raw_path: bytes) -> tuple[str, ...]:
    if len(raw_path) > MAX_PATH or not raw_path.startswith(b"/"):
        raise InvalidInputError("The path cannot be used.", found=f"{len(raw_path)} bytes", next_step=f"use at most {MAX_PATH} bytes")
    try:
        segments = tuple(unquote_to_bytes(part).decode() for part in raw_path[1:].split(b"/"))
    except UnicodeDecodeError as error:
        raise InvalidInputError("The path is not UTF-8.", found=repr(raw_path[:80])) from error
    if any(ord(sign) < 32 or ord(sign) == 127 for segment in segments for sign in segment):
        raise InvalidInputError("The path holds control characters.", found=repr(raw_path[:80]))
    return segments


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    open_end = pattern[-1].endswith(":path}")
    if len(segments) < len(pattern) or (len(segments) > len(pattern) and not open_end):
        return None
    params = {}
    for index, part in enumerate(pattern):
        if part.endswith(":path}"):
            params[part[1:-6]] = "/".join(segments[index:])
        elif part.startswith("{"):
            params[part[1:-1]] = segments[index]
        elif part != segments[index]:
            return None
    return params if all(params.values()) else None


def _shape(pattern: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("{:path}" if part.endswith(":path}") else "{}" if part.startswith("{") else part for part in pattern)


def _openness(pattern: tuple[str, ...]) -> tuple[bool, int, int]:
    """Patterns that say more are tried first."""
    return pattern[-1].endswith(":path}"), sum(part.startswith("{") for part in pattern), -len(pattern)


def _nothing_at(segments: tuple[str, ...]) -> VolantError:
    return NotFoundError("There is nothing at this address.", found="/" + "/".join(segments)[:200], next_step="see /api/v1/openapi.json")
