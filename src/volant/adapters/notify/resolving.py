"""Looking up host names away from everything else: a resolver that hangs may hold up alerts, and nothing besides."""

import asyncio
import contextlib
import socket
import threading

from volant.monitoring.alert_ports import Undelivered

MOST_LOOKUPS = 4  # that may hang at once
MOST_ADDRESSES = 3  # of one host that are tried

_turns = threading.BoundedSemaphore(MOST_LOOKUPS)


async def addresses(host: str, port: int) -> list[str]:
    """Numeric addresses of a host, in the system's order. ``socket.gaierror`` if it is not known.

    The lookup has a thread of its own, which does not keep the process from ending. The event loop's shared threads
    renew the lease, so a lookup must not wait in one of them.
    """
    if not _turns.acquire(blocking=False):
        raise Undelivered("its host name cannot be looked up now: earlier lookups still wait for an answer")
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def tell(result: list[str] | OSError) -> None:
        if found.done():  # nobody waits any more
            return
        if isinstance(result, OSError):
            found.set_exception(result)
        else:
            found.set_result(result)

    def look() -> None:
        try:
            result: list[str] | OSError = _looked_up(host, port)
        except OSError as error:
            result = error
        finally:
            _turns.release()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, result)

    threading.Thread(target=look, name="alert lookup", daemon=True).start()
    return await found


def _looked_up(host: str, port: int) -> list[str]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))[:MOST_ADDRESSES]
