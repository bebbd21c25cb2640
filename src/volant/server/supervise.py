"""Keeps the champion's worker running: started, replaced when the champion changes, restarted when it dies.

A new worker answers before the old one stops. Each worker listens on the shared public socket and on a socket of its
own; requests that come through the control process are switched from one to the other between two requests, and the
old worker ends when the last of its own is answered.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from volant.access.model import Token
from volant.deployments.arms import Routing
from volant.kernel.errors import InternalError, UnavailableError, VolantError
from volant.server.addresses import reserve
from volant.server.standing import Champion, Launch, Phase, Standing, Worker
from volant.server.upstream import Upstream
from volant.serving.spec import Ready

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
SETTLED_SECONDS = 30.0
DRAIN_SECONDS = 20.0


class _Serving:
    """A worker that answers, with the connections to it."""

    def __init__(self, champion: Champion, worker: Worker, upstream: Upstream, since: float) -> None:
        self.champion = champion
        self.worker = worker
        self.upstream = upstream
        self.since = since
        self.ended = asyncio.create_task(worker.wait())


class Supervisor:
    """One worker at a time answers. ``switch`` is told where requests go now (None: nowhere). The worker of the version that
    :meth:`want_warm` names, if any, is kept beside it without accepting anything, so that it answers within milliseconds.

    Everything runs on one event loop. :meth:`run` ends after :meth:`stop`.
    """

    def __init__(self, launch: Launch, switch: Callable[[Upstream | None], None]) -> None:
        self._launch = launch
        self._switch = switch
        self._former: _Serving | None = None
        self._warm: Champion | None = None
        self._warming: asyncio.Task[None] | None = None
        self._cold: Champion | None = None  # it could not be started, or ended by itself
        self._routing: tuple[int, Routing] | None = None
        self._wanted: Champion | None = None
        self._current: _Serving | None = None
        self._tokens: tuple[Token, ...] | None = None
        self._news = asyncio.Event()
        self._stopping = False
        self._starting = False
        self._failures = 0
        self._restarts = 0
        self.error: VolantError | None = None
        self._retiring: set[asyncio.Task[Any]] = set()
        self._not_before = 0.0

    def want(self, champion: Champion | None) -> None:
        """Serve this from now on. The same again is nothing."""
        if champion != self._wanted:
            self._wanted = champion
            self._failures = 0
            self._not_before = 0.0
            self._news.set()

    def want_warm(self, former: Champion | None) -> None:
        """Keep this version's worker warm from now on, or none. The same again is nothing."""
        if former != self._warm and not _same(former, self._warm):
            self._warm, self._cold = former, None
            self._news.set()

    async def update_tokens(self, tokens: tuple[Token, ...] | None) -> None:
        """Tell the worker which tokens hold."""
        if tokens != self._tokens:
            self._tokens = tokens
            for serving in (self._current, self._former):
                if serving is not None:
                    await serving.worker.update_tokens(tokens)

    async def route(self, champion: int, routing: Routing | None) -> bool:
        """Let the worker of this champion share its requests with a further arm, and those that follow it. Whether it holds."""
        self._routing = None if routing is None else (champion, routing)
        current = self._current
        if current is None:
            return False
        await current.worker.route(self._routing_for(current.champion))
        return current.champion.version == champion and await current.worker.settled()

    def _routing_for(self, champion: Champion) -> Routing | None:
        return self._routing[1] if self._routing is not None and self._routing[0] == champion.version else None

    @property
    def ready(self) -> Ready | None:
        """What the present worker said of itself."""
        return None if self._current is None else self._current.worker.ready

    @property
    def standing(self) -> Standing:
        """How serving stands now."""
        current, wanted = self._current, self._wanted
        return Standing(
            phase=self._phase(),
            version=None if current is None else current.champion.version,
            epoch=None if current is None else current.champion.epoch,
            pid=None if current is None else current.worker.pid,
            wanted=None if wanted is None else wanted.version,
            restarts=self._restarts,
            warm=None if self._former is None or self._former.ended.done() else self._former.champion.version,
            warm_pid=None if self._former is None or self._former.ended.done() else self._former.worker.pid,
            error=None if self.error is None else self.error.what,
        )

    def _phase(self) -> Phase:
        if self._stopping:
            return Phase.STOPPED
        if self._current is not None:
            return Phase.SERVING
        if self._wanted is None:
            return Phase.IDLE
        return Phase.STARTING if self._starting else Phase.WAITING

    async def run(self) -> None:
        """Supervise until told to stop; then let the worker finish and end."""
        while not self._stopping:
            self._news.clear()
            if self._wanted is not None and (self._current is None or self._current.champion != self._wanted):
                await self._start_when_due(self._wanted)
            else:
                await self._wait(None)
            self._notice_end()
            self._tend_former()
        await self._end()

    def stop(self) -> None:
        """End :meth:`run`."""
        self._stopping = True
        self._news.set()

    async def _start_when_due(self, champion: Champion) -> None:
        """Start it, or wait out the delay after a failure; whatever happens meanwhile is looked at first."""
        remaining = self._not_before - asyncio.get_running_loop().time()
        if remaining > 0:
            await self._wait(remaining)
        else:
            await self._start(champion)

    async def _start(self, champion: Champion) -> None:
        await self._stop_warming()
        if await self._take_former_back(champion):
            return
        self._starting = True
        try:
            with reserve("127.0.0.1", 0) as private:
                upstream = Upstream(*private.getsockname()[:2])
                worker = await self._unless_news(self._launch(champion, private))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown and tried again
            self.error = error if isinstance(error, VolantError) else InternalError(f"Starting the worker failed: {error!r}")
            self._failures += 1
            self._delay(self._failures)
            return
        finally:
            self._starting = False
        if worker is not None:
            await self._take_over(_Serving(champion, worker, upstream, asyncio.get_running_loop().time()))

    def _delay(self, failures: int) -> None:
        """Start no sooner than after a time that doubles with each failure in a row."""
        seconds = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(failures - 1, 10)) if failures else 0.0
        self._not_before = asyncio.get_running_loop().time() + seconds

    async def _unless_news(self, starting: Awaitable[Worker]) -> Worker | None:
        """The started worker; None, and nothing left running, if something else is wanted meanwhile."""
        task = asyncio.ensure_future(starting)
        while not task.done():
            await self._wait(None, task)
            self._notice_end()
            if self._news.is_set():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, VolantError):
                    await (await task).stop()
                return None
        return task.result()

    async def _take_former_back(self, champion: Champion) -> bool:
        """Let the worker that was kept warm answer again, if it is this champion's and lives."""
        former = self._former
        if former is None or not _same(former.champion, champion):
            return False
        self._former = None
        await former.worker.set_open(accept=True, epoch=champion.epoch)
        if former.ended.done() or not await former.worker.settled():
            self._retire(former)
            return False
        upstream = Upstream(former.upstream.host, former.upstream.port)
        await self._take_over(_Serving(champion, former.worker, upstream, asyncio.get_running_loop().time()))
        return True

    async def _take_over(self, fresh: _Serving) -> None:
        old, self._current = self._current, fresh
        self._switch(fresh.upstream)
        self.error = None
        await fresh.worker.update_tokens(self._tokens)
        await fresh.worker.route(self._routing_for(fresh.champion))
        if old is None:
            return
        if _same(old.champion, self._warm) and not _same(old.champion, fresh.champion) and not old.ended.done():
            await self._keep_warm(old)
        else:
            self._retire(old)

    async def _keep_warm(self, old: _Serving) -> None:
        """The last champion's worker finishes what it answers and stays, without accepting anything."""
        before, self._former = self._former, old
        await old.worker.route(None)
        await old.worker.set_open(accept=False)
        self._keep(old.upstream.retire(DRAIN_SECONDS))
        if before is not None:
            self._retire(before)

    def _tend_former(self) -> None:
        """Start what is to be kept warm once the champion answers; end what is not wanted any more."""
        former = self._former
        if former is not None and former.ended.done():
            self._former, self._cold = None, former.champion
        elif former is not None and not _same(former.champion, self._warm) and not _same(former.champion, self._wanted):
            self._former = None
            self._retire(former)
        if self._lacks_warmth() and self._warm is not None:
            self._warming = asyncio.create_task(self._warm_up(self._warm))

    def _lacks_warmth(self) -> bool:
        current = self._current
        settled = current is not None and current.champion == self._wanted and not _same(current.champion, self._warm)
        idle = self._former is None and self._warming is None
        return settled and idle and not self._stopping and not _same(self._warm, self._cold)

    async def _warm_up(self, champion: Champion) -> None:
        """Start a worker that accepts nothing. One that cannot be started is not tried again: it takes nothing but time."""
        try:
            with reserve("127.0.0.1", 0) as private:
                upstream = Upstream(*private.getsockname()[:2])
                worker = await self._launch(champion, private, accept=False)
            self._former = _Serving(champion, worker, upstream, asyncio.get_running_loop().time())
            await worker.update_tokens(self._tokens)
        except (VolantError, OSError):
            self._cold = champion
        finally:
            self._warming = None
            self._news.set()

    async def _stop_warming(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
            self._warming = None

    def _retire(self, old: _Serving) -> None:
        async def finish() -> None:
            await old.upstream.retire(DRAIN_SECONDS)
            await old.worker.stop()
            await old.ended

        self._keep(finish())

    async def _wait(self, seconds: float | None, *also: asyncio.Future[Worker]) -> None:
        """Until there is news, the worker ends, ``also`` is done, or the time is over."""
        news = asyncio.create_task(self._news.wait())
        watched: list[asyncio.Future[Any]] = [news, *also]
        if self._current is not None:
            watched.append(self._current.ended)
        await asyncio.wait(watched, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        news.cancel()

    def _notice_end(self) -> None:
        """A worker that ended without being told to: nothing is sent there any more, and it counts as a restart."""
        current = self._current
        if current is None or not current.ended.done():
            return
        self._current = None
        self._switch(None)
        self._restarts += 1
        code = current.ended.result()
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        self.error = UnavailableError(f"The worker of version {current.champion.version} ended by itself.", found=reason)
        settled = asyncio.get_running_loop().time() - current.since >= SETTLED_SECONDS
        self._delay(0 if settled else self._failures)
        self._failures = 0 if settled else self._failures + 1
        self._keep(current.upstream.retire(0))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _end(self) -> None:
        self._switch(None)
        await self._stop_warming()
        if self._current is not None:
            self._retire(self._current)
            self._current = None
        if self._former is not None:
            self._retire(self._former)
            self._former = None
        await asyncio.gather(*self._retiring, return_exceptions=True)


def _same(one: Champion | None, other: Champion | None) -> bool:
    """Whether both are the same version, whenever it became champion; never for none."""
    return one is not None and other is not None and (one.version, one.package) == (other.version, other.package)
