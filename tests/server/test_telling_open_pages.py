"""``GET /events``: what changes is told to everybody who listens, and streams end when they should."""

import asyncio
import http.client
import json
import threading
import time
from contextlib import contextmanager

import pytest
from server_parts import app_of, ask, listening

from volant.kernel.events import NewEvent
from volant.server.live import Live
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.changes import Changes
from volant.wiring.project import Project
from volant.wiring.stores import memory_stores, sqlite_stores


def until(found, seconds=90):
    """Wait for what another thread does."""
    ends_at = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


class Store:
    """What changed, as a test says it; counts looks."""

    def __init__(self):
        self.lock, self.changed, self.looks = threading.Lock(), {}, 0

    def change(self, model, topic):
        with self.lock:
            self.changed[model] = self.changed.get(model, frozenset()) | {topic}

    def look(self):
        with self.lock:
            self.looks += 1
            found, self.changed = self.changed, {}
            return found


class Stream:
    """One listener: reads events as they come."""

    def __init__(self, port, headers=None, *, method="GET"):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.request(method, "/events", headers=headers or {})
        self.answer = self.connection.getresponse()

    def lines(self):
        """One block of lines; empty at the end of the stream."""
        found = []
        while (line := self.answer.readline()) not in {b"", b"\n"}:
            found.append(line.decode().rstrip("\n"))
        return found

    def event(self, name):
        """The data of the next event of that name."""
        ends_at = time.monotonic() + 90
        while lines := self.lines():
            assert time.monotonic() < ends_at, f"nothing but {lines} in half a minute"
            if f"event: {name}" in lines:
                return json.loads(next(line for line in lines if line.startswith("data: "))[6:])
        raise EOFError(name)

    def close(self):
        self.answer.close()
        self.connection.close()


@contextmanager
def told(loop, look, **settings):
    """A server that tells what ``look`` finds: its port and its ``Live``."""

    async def build():
        live = Live(look, FakeClock(), **{"round_seconds": 0.02, **settings})
        return live, asyncio.create_task(live.run())

    live, task = loop.run(build())
    try:
        with listening(loop, app_of([live.route()]), stopping=live.close) as port:
            yield port, live
    finally:
        loop.loop.call_soon_threadsafe(task.cancel)


def test_everybody_who_listens_is_told_what_changed(loop):
    store = Store()
    with told(loop, store.look) as (port, _):
        streams = [Stream(port), Stream(port)]
        for stream in streams:
            assert stream.answer.status == 200
            assert stream.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert "no-transform" in stream.answer.headers["cache-control"]
            assert stream.answer.headers["x-accel-buffering"] == "no"
            assert "content-security-policy" in stream.answer.headers
            stream.event("hello")
        store.change("bikes", "loop")
        for stream in streams:
            assert stream.event("changed") == {"any": False, "changed": {"bikes": ["loop"]}}
            stream.close()


def test_nothing_is_looked_at_while_nobody_listens(loop):
    store = Store()
    with told(loop, store.look) as (port, live):
        stream = Stream(port)
        stream.event("hello")
        store.change("bikes", "loop")
        stream.event("changed")
        stream.close()
        until(lambda: live.listeners == 0)
        before = store.looks
        time.sleep(0.2)  # ten rounds
        assert store.looks <= before + 1  # one was under way


def test_a_page_that_comes_back_hears_when_something_changed_last(loop):
    store = Store()
    with told(loop, store.look) as (port, _):
        first = Stream(port)
        assert first.event("hello")["changed_at"] == 0
        store.change("bikes", "alerts")
        first.event("changed")
        first.close()
        again = Stream(port)
        assert again.event("hello")["changed_at"] > 0
        again.close()


def test_a_quiet_stream_says_that_it_is_there(loop):
    with told(loop, dict, heartbeat_seconds=0.05) as (port, _):
        stream = Stream(port)
        stream.event("hello")
        assert stream.lines() == [": still here"]
        assert stream.lines() == [": still here"]
        stream.close()


def test_a_stream_ends_after_its_time_so_that_permission_is_asked_again(loop):
    with told(loop, dict, longest_seconds=0.1) as (port, _):
        stream = Stream(port)
        stream.event("hello")
        with pytest.raises(EOFError):
            stream.event("changed")
        stream.close()


def test_one_listener_too_many_is_refused_and_a_place_is_free_again(loop):
    with told(loop, dict, most=2) as (port, live):
        streams = [Stream(port), Stream(port)]
        for stream in streams:
            stream.event("hello")
        status, headers, body = ask(port, "GET", "/events")
        assert (status, body["error"]["code"]) == (503, "unavailable")
        assert "retry-after" in headers
        streams.pop().close()
        until(lambda: live.listeners < 2)
        again = Stream(port)
        assert again.answer.status == 200
        for stream in (*streams, again):
            stream.close()


def test_only_the_head_is_answered_where_only_it_is_asked_for(loop):
    with told(loop, dict) as (port, live):
        stream = Stream(port, method="HEAD")
        assert stream.answer.status == 200
        assert stream.answer.read() == b""
        stream.close()
        until(lambda: live.listeners == 0)


def test_streams_end_with_the_server_and_do_not_hold_it_up(loop):
    with told(loop, dict) as (port, live):
        streams = [Stream(port) for _ in range(3)]
        for stream in streams:
            stream.event("hello")
        assert live.listeners == 3
    # the context waits for the server's end: within its patience only if the streams ended by themselves
    for stream in streams:
        with pytest.raises(EOFError):
            stream.event("changed")
        stream.close()
    assert live.listeners == 0


def test_a_store_that_cannot_be_read_for_a_while_is_looked_at_again(loop, capfd):
    store, broken, failed = Store(), threading.Event(), threading.Event()
    broken.set()

    def look():
        if broken.is_set():
            failed.set()
            raise OSError("the disk is away")
        return store.look()

    with told(loop, look) as (port, _):
        stream = Stream(port)
        stream.event("hello")
        store.change("bikes", "windows")
        assert failed.wait(60)
        broken.clear()
        assert stream.event("changed")["changed"] == {"bikes": ["windows"]}
        stream.close()
    assert capfd.readouterr().err.count("the disk is away") == 1


def test_a_slow_reader_is_told_the_sum_of_what_it_missed(loop):
    """Driven as the server drives it, with a reader that takes nothing of the first change until it is let."""
    store, sent, leave, stuck = Store(), [], asyncio.Event(), asyncio.Event()

    async def send(message):
        sent.append(message.get("body", b""))
        if b'"first"' in sent[-1]:
            await stuck.wait()

    async def receive():
        await leave.wait()
        return {"type": "http.disconnect"}

    async def listen():
        live = Live(store.look, FakeClock(), round_seconds=0.01)
        return asyncio.create_task(live.run()), asyncio.create_task(live({"type": "http", "method": "GET"}, receive, send))

    running, stream = loop.run(listen())
    until(lambda: sent)
    store.change("first", "loop")
    until(lambda: b'"first"' in sent[-1])
    for number in range(6):
        store.change(f"model {number % 2}", ("labels", "windows", "loop")[number // 2])
        until(lambda: not store.changed)
    seen = store.looks
    until(lambda: store.looks > seen)  # the last change has been told
    loop.loop.call_soon_threadsafe(stuck.set)
    until(lambda: b'"first"' not in sent[-1])
    told_of = json.loads(sent[-1].split(b"data: ")[1])
    assert told_of == {"any": False, "changed": {name: ["labels", "loop", "windows"] for name in ("model 0", "model 1")}}
    loop.loop.call_soon_threadsafe(leave.set)
    loop.loop.call_soon_threadsafe(running.cancel)
    until(stream.done)


@pytest.fixture(params=["memory", "sqlite"])
def watched(request, tmp_path):
    """A project over each adapter, and an observer of it."""
    from bikes_project import opened, write_bikes

    folder = write_bikes(tmp_path / "bikes")
    clock, ids = FakeClock(), CountingIds()
    stores = memory_stores(clock, ids) if request.param == "memory" else sqlite_stores(tmp_path / "state", clock, ids)
    project = Project(folder, opened(folder).config, stores, clock=clock, ids=ids, environment={})
    return project, Changes(project)


def test_an_observer_names_models_and_what_about_them_changed(watched):
    project, changes = watched
    project.events.append("model/trams", 0, [NewEvent(kind="seen", data=b"{}")], actor="ada")
    assert changes.look() == {}  # what was there before it looked is no change
    assert changes.look() == {}
    project.events.append("loop/bikes", 0, [NewEvent(kind="seen", data=b"{}")], actor="ada")
    project.events.append("rollout/bikes", 0, [NewEvent(kind="seen", data=b"{}")], actor="ada")
    project.events.append("other/bikes", 0, [NewEvent(kind="seen", data=b"{}")], actor="ada")
    project.leases.acquire("loop/trams", "a server", 10_000_000)
    assert changes.look() == {"bikes": {"loop", "rollout"}, "trams": {"servers"}}
    assert changes.look() == {}
    project.clock.advance(10_000_000)
    assert changes.look() == {"trams": {"servers"}}  # its lease is over
    folder = project.log_folder / "w"
    folder.mkdir(parents=True)
    (folder / "00000000000000000001.log").write_bytes(b"a request")
    assert changes.look() == {}  # it has just looked: requests come all the time
    project.clock.advance(5_000_000)
    assert changes.look() == {"bikes": {"traffic"}}
    assert changes.look() == {}
