import asyncio
import os
import sys
from pathlib import Path

import pytest

from volant.adapters.memory.database import MemoryDatabase
from volant.adapters.memory.events import MemoryEvents
from volant.evidence.log import take_folder
from volant.evidence.sealing import KEEP_US
from volant.jobs.model import Lease
from volant.kernel.audit import checkpoint_if_new, read_anchors
from volant.kernel.clock import HOUR_US
from volant.kernel.errors import ConflictError, InternalError, UnavailableError
from volant.kernel.events import NewEvent
from volant.server.chores import Chores, sealable
from volant.server.jobs import Jobs
from volant.server.leadership import Leadership
from volant.testing.clock import CountingIds, FakeClock

CHILD = (sys.executable, str(Path(__file__).with_name("jobs_child.py")))


def with_jobs(folder, work, **settings):
    async def main():
        jobs = Jobs(folder, os.environ, command=CHILD, **settings)
        try:
            return await work(jobs)
        finally:
            await jobs.close()
            assert jobs.pid is None

    return asyncio.run(main())


def test_one_child_answers_one_request_after_another(tmp_path):
    async def work(jobs):
        assert jobs.pid is None  # nothing is started before there is something to do
        answers = await asyncio.gather(*(jobs.call("echo", {"size": 200_000}) for _ in range(3)))
        return {answer["pid"] for answer in answers}, {len(answer["large"]) for answer in answers}, jobs.pid

    pids, sizes, pid = with_jobs(tmp_path, work)
    assert pids == {pid}
    assert sizes == {200_000}


def test_errors_come_back_as_they_were_raised(tmp_path):
    async def work(jobs):
        with pytest.raises(ConflictError, match="Somebody else"):
            await jobs.call("raise", {})
        return await jobs.call("echo", {})

    assert with_jobs(tmp_path, work)["pid"]


@pytest.mark.parametrize("verb", ["die", "rubbish"])
def test_a_child_that_dies_or_talks_rubbish_is_replaced(tmp_path, verb):
    async def work(jobs):
        first = (await jobs.call("echo", {}))["pid"]
        with pytest.raises((UnavailableError, InternalError)):
            await jobs.call(verb, {})
        return first, (await jobs.call("echo", {}))["pid"]

    first, second = with_jobs(tmp_path, work)
    assert first != second


def test_a_call_that_is_given_up_does_not_answer_the_next_one(tmp_path):
    async def work(jobs):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(jobs.call("sleep", {"seconds": 30}), 0.3)
        return await jobs.call("echo", {})

    assert with_jobs(tmp_path, work)["pid"]


def test_an_idle_child_ends_and_the_next_call_starts_one(tmp_path):
    async def work(jobs):
        first = (await jobs.call("echo", {}))["pid"]
        for _ in range(100):
            await asyncio.sleep(0.05)
            if jobs.pid is None:
                break
        assert jobs.pid is None
        return first, (await jobs.call("echo", {}))["pid"]

    first, second = with_jobs(tmp_path, work, idle_seconds=0.1)
    assert first != second


class LeaseTable:
    """One lease in memory."""

    def __init__(self, clock):
        self.clock, self.lease, self.broken = clock, None, False

    def acquire(self, name, holder, ttl_us):
        if self.broken:
            raise UnavailableError("The database is locked.")
        now = self.clock.now()
        held = self.lease is not None and self.lease.expires_at > now
        if held and self.lease.holder != holder:
            return None
        fence = self.lease.fence if held else 1 + (self.lease.fence if self.lease else 0)
        self.lease = Lease(name=name, holder=holder, fence=fence, expires_at=now + ttl_us)
        return self.lease

    def release(self, name, holder):
        if self.lease is not None and self.lease.name == name and self.lease.holder == holder:
            self.lease = None

    def current(self, name):
        del name
        return self.lease if self.lease is not None and self.lease.expires_at > self.clock.now() else None


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def table(clock):
    return LeaseTable(clock)


def two(table, clock):
    return (Leadership(table, clock, name="loop/bikes", holder=holder, ttl_us=10) for holder in ("a", "b"))


def test_only_one_of_two_leads_and_the_other_takes_over_when_the_lease_ends(table, clock):
    first, second = two(table, clock)
    assert asyncio.run(first.ask())
    assert not asyncio.run(second.ask())
    assert (first.leader(), second.leader()) == ("a", "a")
    clock.advance(9)
    assert asyncio.run(first.ask())
    clock.advance(9)
    assert not asyncio.run(second.ask())
    clock.advance(1)
    assert not first.held  # without having asked: the time is over
    assert asyncio.run(second.ask())
    assert not asyncio.run(first.ask())


def test_who_gives_the_lease_up_need_not_be_waited_for(table, clock):
    first, second = two(table, clock)
    asyncio.run(first.ask())
    second.release()  # not its own: nothing happens
    assert table.current("loop/bikes").holder == "a"
    first.release()
    assert not first.held
    assert asyncio.run(second.ask())


def test_a_lease_that_cannot_be_asked_for_ends_leading_at_its_time_and_not_before(table, clock):
    first, _ = two(table, clock)
    asyncio.run(first.ask())
    table.broken = True
    assert asyncio.run(first.ask())
    clock.advance(10)
    assert not asyncio.run(first.ask())


def grow(events, count=1):
    seq = len(events.read("model/bikes"))
    events.append("model/bikes", seq, [NewEvent(kind="k", data=b"{}")] * count, actor="a")


@pytest.fixture
def events(clock):
    return MemoryEvents(MemoryDatabase(clock, CountingIds()))


def test_a_checkpoint_is_made_only_when_something_happened(tmp_path, events):
    anchors = tmp_path / "anchors"
    assert not checkpoint_if_new(events, anchors)
    grow(events, 3)
    assert checkpoint_if_new(events, anchors)
    assert not checkpoint_if_new(events, anchors)
    grow(events)
    assert checkpoint_if_new(events, anchors)
    assert [point.heads["model/bikes"][0] for point in events.checkpoints()] == [3, 4]
    assert [anchor.chain for anchor in read_anchors(anchors)] == [point.chain for point in events.checkpoints()]


def log_file(folder, age_us, now, worker="w1"):
    """A file of the log that was begun so long ago, by the project's clock."""
    path = folder / worker / f"{now - age_us:020d}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")


def test_only_files_of_the_log_that_were_begun_long_ago_call_for_sealing(tmp_path, clock):
    assert not sealable(tmp_path, clock.now())
    log_file(tmp_path, KEEP_US - 1_000_000, clock.now())
    assert not sealable(tmp_path, clock.now())
    clock.advance(1_000_000)
    assert sealable(tmp_path, clock.now())


def test_the_file_that_a_living_writer_still_writes_does_not_call_for_sealing_and_its_older_ones_do(tmp_path, clock):
    handle = take_folder(tmp_path / "w1")
    log_file(tmp_path, KEEP_US * 9, clock.now())
    assert not sealable(tmp_path, clock.now())
    log_file(tmp_path, KEEP_US, clock.now())
    assert sealable(tmp_path, clock.now())
    os.close(handle)


def test_a_file_is_sealable_once_its_writer_is_gone(tmp_path, clock):
    handle = take_folder(tmp_path / "w1")
    log_file(tmp_path, KEEP_US, clock.now())
    assert not sealable(tmp_path, clock.now())
    os.close(handle)
    assert sealable(tmp_path, clock.now())


def test_what_is_no_longer_needed_is_swept_once_a_day_by_who_leads(tmp_path, clock, events):
    swept = []
    leads = [False, True, True, True, True]

    async def work(jobs):
        places = {"anchors": tmp_path / "anchors", "log": tmp_path / "log"}
        chores = Chores(events=events, jobs=jobs, clock=clock, may=lambda: leads.pop(0), sweep=lambda: swept.append(clock.now()), **places)
        for hours in (0, 0, 23, 1, -30):
            clock.advance(hours * HOUR_US)
            await chores.once()

    begun = clock.now()
    with_jobs(tmp_path, work)
    assert [(at - begun) // HOUR_US for at in swept] == [0, 24, -6]


@pytest.mark.parametrize("leads", [True, False])
def test_only_the_leader_seals_and_checkpoints(tmp_path, clock, events, leads, capfd):
    grow(events, 2)
    log_file(tmp_path / "log", KEEP_US * 2, clock.now())

    async def work(jobs):
        chores = Chores(events=events, anchors=tmp_path / "anchors", log=tmp_path / "log", jobs=jobs, clock=clock, may=lambda: leads)
        await chores.finish()

    with_jobs(tmp_path, work)
    assert (tmp_path / "sealed").exists() is leads
    assert bool(events.checkpoints()) is leads
    assert capfd.readouterr().err == ""


def test_a_chore_that_fails_is_reported_and_does_not_end_the_round(tmp_path, clock, events, capfd):
    log_file(tmp_path / "log", KEEP_US * 2, clock.now())

    async def main():
        jobs = Jobs(tmp_path, os.environ, command=(sys.executable, "-c", "raise SystemExit(3)"))
        chores = Chores(events=events, anchors=tmp_path / "anchors", log=tmp_path / "log", jobs=jobs, clock=clock, may=lambda: True)
        await chores.once()
        await jobs.close()

    asyncio.run(main())
    assert "exit code 3" in capfd.readouterr().err


def test_the_windows_are_brought_up_to_date_when_what_they_depend_on_has_changed(tmp_path, clock, events):
    marks = iter([None, "a", "a", "b"])

    async def work(jobs):
        paths = {"anchors": tmp_path / "anchors", "log": tmp_path / "log"}
        chores = Chores(events=events, jobs=jobs, clock=clock, may=lambda: True, watched=lambda: next(marks), **paths)
        seen = []
        for _ in range(4):
            await chores.once()
            seen.append((tmp_path / "watched").read_text().count("once") if (tmp_path / "watched").exists() else 0)
        return seen

    assert with_jobs(tmp_path, work) == [0, 1, 1, 2]
