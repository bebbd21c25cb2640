"""Style, scripts and the plots' library: named by content, so that browsers keep them for good.

Plotly's script is taken from the installed package without importing it, compressed once, and kept in the project's
cache folder.
"""

import contextlib
import gzip
import importlib.util
import os
from functools import cache
from pathlib import Path

from volant.access.routes import PUBLIC, Request, Response, Route
from volant.kernel.digests import digest
from volant.kernel.errors import UnavailableError

FOLDER = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
PLOTLY = "plotly"


@cache
def _content(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


@cache
def url(name: str) -> str:
    """The address of a static file; it changes with the file's content."""
    if name == PLOTLY:
        return f"/static/plotly.{plotly_stamp()}.js"
    stem, dot, suffix = name.rpartition(".")
    return f"/static/{stem}.{digest(_content(name))[:10]}{dot}{suffix}"


@cache
def plotly_path() -> Path | None:
    """The library's file in the installed package, or None."""
    found = importlib.util.find_spec("plotly")
    path = Path(found.origin).parent / "package_data" / "plotly.min.js" if found and found.origin else None
    return path if path is not None and path.is_file() else None


@cache
def plotly_stamp() -> str:
    """Names the installed library without reading its five megabytes: its size, time and place."""
    path = plotly_path()
    if path is None:
        return "absent"
    facts = path.stat()
    return digest(f"{path}:{facts.st_size}:{facts.st_mtime_ns}".encode())[:10]


def routes(cache_folder: Path) -> tuple[Route, ...]:
    """One route per file, open to everybody: the login page needs them too."""
    declared = [
        _route(url(path.name), f"{path.name} of the pages.", lambda request, name=path.name: _file(request, name))
        for path in sorted(FOLDER.iterdir())
    ]
    return (*declared, _route(url(PLOTLY), "The plots' library.", lambda request: _plotly(request, cache_folder)))


def _route(path: str, summary: str, handler: object) -> Route:
    return Route(method="GET", path=path, needs=PUBLIC, summary=summary, handler=handler)  # type: ignore[arg-type]


def _file(request: Request, name: str) -> Response:
    suffix = Path(name).suffix
    if accepts_gzip(request) and suffix != ".svg":
        return _answer(_compressed(name), TYPES[suffix], compressed=True)
    return _answer(_content(name), TYPES[suffix], compressed=False)


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_content(name), 9, mtime=0)


def _plotly(request: Request, cache_folder: Path) -> Response:
    path = plotly_path()
    if path is None:
        raise UnavailableError(
            "The plots' library is not installed.", next_step="reinstall the plotly package; tables and JSON work without it"
        )
    if not accepts_gzip(request):
        return _answer(path.read_bytes(), TYPES[".js"], compressed=False)
    return _answer(compressed_plotly(path, cache_folder), TYPES[".js"], compressed=True)


def compressed_plotly(path: Path, cache_folder: Path) -> bytes:
    """The library compressed, from the cache where it is; a cache that cannot be written costs only time."""
    kept = cache_folder / f"plotly.{plotly_stamp()}.js.gz"
    with contextlib.suppress(OSError):
        data = kept.read_bytes()
        if _is_whole(data, path.stat().st_size):
            return data
    data = gzip.compress(path.read_bytes(), 9, mtime=0)
    with contextlib.suppress(OSError):
        cache_folder.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(f".{os.getpid()}.tmp")
        half.write_bytes(data)
        half.replace(kept)
    return data


def _is_whole(data: bytes, length: int) -> bool:
    """Gzip ends with the length of what it holds: a file cut short by a kill is not used."""
    return data[:2] == b"\x1f\x8b" and int.from_bytes(data[-4:], "little") == length % (1 << 32)


def _answer(body: bytes, kind: str, *, compressed: bool) -> Response:
    headers = [("cache-control", FOREVER), ("vary", "accept-encoding")]
    if compressed:
        headers.append(("content-encoding", "gzip"))
    return Response(body=body, content_type=kind, headers=tuple(headers))


def accepts_gzip(request: Request) -> bool:
    """Whether the client says that it takes gzip."""
    for part in request.headers.get("accept-encoding", "").split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip().lower() in {"gzip", "*"}:
            return weight.replace(" ", "").lower() not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
