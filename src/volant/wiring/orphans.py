"""A child notices when whoever asked is gone, even in the middle of work: its input's other end closes."""

import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_SECONDS = 5.0  # for work that hears an interrupt late, or never


class Asker:
    """Watches ``number``, the file descriptor of an input, while work is going on.

    Whoever was stopped or killed can say nothing any more, so the work is interrupted as by Ctrl-C, and ended for good with
    ``code`` if that does not help. Work is interrupted once: a Ctrl-C that reaches both processes is not to stop it from
    recording that it was stopped. An input that is a file never hangs up, and is not watched.
    """

    def __init__(self, number: int, code: int) -> None:
        self._number = number
        self._code = code
        self._working = False
        self._heard = False
        self._over = threading.Event()

    def watch(self) -> None:
        """Begin, in a thread that does not keep the process from ending. Call it from the main thread."""
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._interrupt)
        signal.signal(signal.SIGUSR1, self._interrupt)
        threading.Thread(target=self._wait, name="asker", daemon=True).start()

    @contextmanager
    def waits(self) -> Iterator[None]:
        """Around the work that somebody asked for."""
        self._working, self._heard = True, False
        if self._over.is_set():
            raise KeyboardInterrupt
        try:
            yield
        finally:
            self._working = False

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if not self._heard:
            self._heard = True
            raise KeyboardInterrupt

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._number, 0)  # says nothing but that the other end is gone
        if not any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
            return
        self._over.set()
        if not self._working:
            return  # the end of the input says it
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)  # also out of a sleep or a read
        threading.Event().wait(GRACE_SECONDS)
        os._exit(self._code)
