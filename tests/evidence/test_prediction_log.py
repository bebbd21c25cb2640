"""The open log: grouped writes, full disks, rotation, clocks that jump, and writers that are killed."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from volant.evidence.log import LogWriter, encode
from volant.evidence.reading import LogReader, raw_files
from volant.kernel.errors import ConflictError, UnavailableError
from volant.testing.clock import FakeClock

KILLED_WRITER = """
import asyncio, sys
from pathlib import Path
from volant.evidence.log import LogWriter, encode
from volant.evidence.model import Outcome, Prediction
from volant.kernel.clock import SystemClock

async def one(writer, number):
    await writer.append(encode(Prediction(id=f"{number:032x}", request_id=None, at=number, model="m", version=1, arm="champion",
        epoch=1, columns={"x": [number]}, values=[1.0], scores=None, keys=None, event_times=None, latency_us=1, outcome=Outcome.OK)))
    print(number, flush=True)

async def main():
    writer = LogWriter(Path(sys.argv[1]) / "w", SystemClock())
    number = 0
    while True:
        await asyncio.gather(*(one(writer, number + i) for i in range(5)))
        number += 5

asyncio.run(main())
"""


def append_all(folder, clock, predictions, **options):
    async def work():
        writer = LogWriter(folder, clock, **options)
        try:
            return await asyncio.gather(*(writer.append(encode(p)) for p in predictions), return_exceptions=True)
        finally:
            writer.close()

    return asyncio.run(work())


def test_what_was_appended_is_read_back(tmp_path, clock, make_prediction):
    written = [make_prediction(i, rows=2) for i in range(5)]
    assert append_all(tmp_path / "w1", clock, written) == [None] * 5
    assert list(LogReader(tmp_path).predictions()) == written


def test_one_tick_of_the_event_loop_is_one_write(tmp_path):
    script = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from volant.evidence.log import LogWriter
        from volant.testing.clock import FakeClock
        async def main():
            writer = LogWriter(Path(sys.argv[1]) / "w", FakeClock())
            await asyncio.gather(*(writer.append(b"x") for _ in range(100)))
            await asyncio.gather(*(writer.append(b"x") for _ in range(100)))
        asyncio.run(main())
        print(next(l for l in open("/proc/self/io") if l.startswith("syscw")).split()[1])
    """)
    base = script.replace("range(100)", "range(1)")
    writes = [
        int(subprocess.check_output([sys.executable, "-c", text, str(tmp_path / name)])) for text, name in ((script, "a"), (base, "b"))
    ]
    assert writes[0] == writes[1]


def test_a_folder_has_one_living_writer(tmp_path, clock):
    writer = LogWriter(tmp_path / "w", clock)
    with pytest.raises(ConflictError, match="Another process writes"):
        LogWriter(tmp_path / "w", clock)
    writer.close()
    LogWriter(tmp_path / "w", clock).close()


def test_files_rotate_by_size_and_by_age(tmp_path, make_prediction):
    clock = FakeClock()

    async def work():
        writer = LogWriter(tmp_path / "w", clock, rotate_bytes=1000, rotate_us=60_000_000)
        for i in range(8):
            await writer.append(encode(make_prediction(i)))
        by_size = len(raw_files(tmp_path))
        clock.advance(60_000_000)
        await writer.append(encode(make_prediction(9)))
        writer.close()
        return by_size

    by_size = asyncio.run(work())
    assert by_size > 2
    assert len(raw_files(tmp_path)) == by_size + 1
    assert all(path.stat().st_size <= 1000 for path in raw_files(tmp_path))


def test_names_stay_in_order_when_the_clock_goes_back(tmp_path, make_prediction):
    clock = FakeClock()
    append_all(tmp_path / "w", clock, [make_prediction(1)])
    clock.advance(-3_600_000_000)
    append_all(tmp_path / "w", clock, [make_prediction(2)])
    assert [int(p.id, 16) for p in LogReader(tmp_path).predictions()] == [1, 2]


FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from volant.evidence.log import LogWriter
from volant.kernel.errors import UnavailableError
from volant.testing.clock import FakeClock

async def main():
    writer = LogWriter(Path(sys.argv[1]) / "w", FakeClock())
    await asyncio.gather(*(writer.append(b"a" * 100) for _ in range(3)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, resource.RLIM_INFINITY))
    failed = await asyncio.gather(*(writer.append(b"b" * 100) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(error, UnavailableError) for error in failed), failed
    await writer.append(b"c" * 20)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await writer.append(b"d" * 100)
    assert writer.failures == 1

asyncio.run(main())
"""


def test_a_full_disk_fails_exactly_the_requests_of_that_tick_and_leaves_no_half_frame(tmp_path):
    from volant.evidence.frames import read_frames

    subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], check=True)
    (file,) = raw_files(tmp_path)
    assert list(read_frames(file.read_bytes())) == [b"a" * 100] * 3 + [b"c" * 20, b"d" * 100]


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path, clock):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot be written"):
        LogWriter(tmp_path / "file" / "w", clock)


def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path):
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", KILLED_WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        lines = [int(process.stdout.readline()) for _ in range(300)]
        os.kill(process.pid, signal.SIGKILL)
        lines += [int(line) for line in process.communicate()[0].splitlines() if line.strip()]
        logged = {p.at for p in LogReader(tmp_path).predictions()}
        assert set(lines) <= logged


@pytest.mark.parametrize(("point", "visible"), [("log.before_write", 0), ("log.written", 5)])
def test_a_kill_around_the_write_leaves_the_tick_whole_or_absent(tmp_path, point, visible):
    environment = {**os.environ, "VOLANT_CRASH_AT": point}
    process = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(tmp_path)], env=environment, capture_output=True, check=False)
    assert process.returncode == -signal.SIGKILL
    assert process.stdout == b""
    assert len(list(LogReader(tmp_path).predictions())) == visible


def test_a_cancelled_request_does_not_disturb_the_others_of_its_tick(tmp_path, clock, make_prediction):
    async def work():
        writer = LogWriter(tmp_path / "w", clock)
        doomed = asyncio.ensure_future(asyncio.wait_for(writer.append(encode(make_prediction(1))), 10))
        other = writer.append(encode(make_prediction(2)))
        await asyncio.sleep(0)
        doomed.cancel()
        await other
        writer.close()

    asyncio.run(work())
    assert len(list(LogReader(tmp_path).predictions())) == 2
