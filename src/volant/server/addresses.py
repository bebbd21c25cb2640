"""Ports: the one this server listens on, and those its workers will."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from volant.kernel.errors import ConflictError, InvalidInputError, UsageError, VolantError

BACKLOG = 2048
ORPHAN_ROUNDS, ROUND_SECONDS = 30, 0.05


def listen(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """A listening socket. ``ConflictError`` naming the port, its holder and the option when somebody else listens there."""
    listener = _bound(host, port, option)
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _refused(host, port, option, error) from error
    return listener


def reserve(host: str, port: int, *, option: str = "--worker-port") -> socket.socket:
    """A bound socket that does not listen yet: until a worker does, clients are refused and do not hang."""
    if port:
        _wait_until_free(host, port, option)
    return _bound(host, port, option)


def _wait_until_free(host: str, port: int, option: str) -> None:
    """Two sockets may be bound to one port, but only one may listen. The worker of a server that was killed a moment
    ago still does, until it has noticed.
    """
    for _ in range(ORPHAN_ROUNDS):
        with contextlib.suppress(ConflictError):
            listen(host, port, option=option).close()
            return
        time.sleep(ROUND_SECONDS)
    listen(host, port, option=option).close()


def _bound(host: str, port: int, option: str) -> socket.socket:
    if not 0 <= port < 65536:
        raise UsageError(f"{port} is not a port.", next_step=f"use {option} with 1 to 65535, or 0 for any free one", field=option)
    bare = host.strip("[]")
    if not bare.isprintable() or not bare:
        raise _no_address(host, "no name")
    listener = socket.socket(socket.AF_INET6 if ":" in bare else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((bare, port))
    except (OSError, UnicodeError) as error:
        listener.close()
        raise _refused(host, port, option, error) from error
    return listener


def _refused(host: str, port: int, option: str, error: OSError | UnicodeError) -> VolantError:
    if isinstance(error, socket.gaierror | UnicodeError):
        return UsageError(
            f"{host[:100]!r} is not an address to listen on.", found=str(error), next_step="use --host 127.0.0.1", field="--host"
        )
    found = os.strerror(error.errno or 0)
    if isinstance(error, PermissionError) or found.startswith("Cannot assign"):
        return InvalidInputError(
            f"Port {port} of {host} cannot be used.", found=found, next_step=f"use another --host or {option}", field=option
        )
    holder = listener_of(port)
    return ConflictError(
        f"Port {port} of {host} is in use.",
        found=f"{found}, by {holder}" if holder else found,
        next_step=f"stop what listens there, or use another port: {option} {port + 1 if port < 65535 else 0}",
        field=option,
    )


def _no_address(host: str, found: str) -> UsageError:
    return UsageError(f"{host[:100]!r} is not an address to listen on.", found=found, next_step="use --host 127.0.0.1", field="--host")


def listener_of(port: int) -> str | None:
    """``pid 123 (name)`` of the process that listens on a port of this machine, if we may see it."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not wanted:
        return None
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(entry.readlink()) in wanted for entry in (folder / "fd").iterdir()):
                return f"pid {folder.name} ({(folder / 'comm').read_text(errors='replace').strip()})"
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]
