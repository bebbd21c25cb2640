"""The one socket of a port: bound once by the supervisor and inherited by its workers, so a restart refuses nobody."""

import os
import socket

from volant.kernel.errors import ConflictError, UsageError

BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """A listening socket that a worker can inherit. ``ConflictError`` if the port is taken, ``UsageError`` for no address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if isinstance(error, socket.gaierror):
            raise UsageError(f"{host!r} is not an address to listen on.", found=str(error), next_step="use 127.0.0.1") from error
        raise ConflictError(
            f"Port {port} of {host} cannot be used.", found=os.strerror(error.errno or 0), next_step="choose another port"
        ) from error
    return listener
