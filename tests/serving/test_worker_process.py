"""A worker as its supervisor sees it."""

import asyncio
import os
import signal
import socket
import sys
import urllib.request

import msgspec
import pytest
from serving_workers import ENTRY

from volant.access.model import Role, Token
from volant.kernel.digests import digest
from volant.kernel.errors import InternalError, UnavailableError
from volant.serving.process import start_worker
from volant.serving.sockets import bind
from volant.serving.spec import WorkerSpec

COMMAND = (sys.executable, str(ENTRY))


@pytest.fixture
def spec(tmp_path):
    return WorkerSpec(
        worker="w1",
        package="sum",
        objects=str(tmp_path),
        log=str(tmp_path / "log"),
        scratch=str(tmp_path),
        model="bikes",
        version=1,
        epoch=1,
    )


def begin(spec, **options):
    return start_worker(spec, environment=dict(os.environ), **{"command": COMMAND} | options)


def status(port, token=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_worker_listens_on_all_sockets_it_is_given(spec):
    async def work():
        with bind("127.0.0.1", 0) as shared, socket.socket() as private:
            private.bind(("127.0.0.1", 0))
            worker = await begin(spec, listener=shared, private=private)
            ports = [sock.getsockname()[1] for sock in (private, shared)]
            assert worker.ready.port == ports[1]
            assert worker.ready.pid == worker.pid
            assert [await asyncio.to_thread(status, port) for port in ports] == [200, 200]
            assert worker.returncode is None
            assert await worker.stop() == 0

    asyncio.run(work())


def test_a_second_worker_takes_over_a_shared_socket_without_refusing_anyone(spec):
    async def work():
        with bind("127.0.0.1", 0) as shared:
            port = shared.getsockname()[1]
            answers, stop = [], asyncio.Event()

            async def ask():
                while not stop.is_set():
                    answers.append(await asyncio.to_thread(status, port))

            first = await begin(spec, listener=shared)
            asking = asyncio.create_task(ask())
            for number in (2, 3):
                fresh = await begin(msgspec.structs.replace(spec, worker=f"w{number}"), listener=shared)
                await first.stop()
                first = fresh
            stop.set()
            await asking
            await first.stop()
            assert set(answers) == {200}
            assert len(answers) > 5

    asyncio.run(work())


def test_tokens_are_replaced_while_it_runs(spec):
    def token(name):
        return Token(name=name, role=Role.VIEWER, digest=digest(name.encode()), created_at=0)

    async def work():
        worker = await begin(spec)
        port = worker.ready.port
        assert await asyncio.to_thread(status, port) == 200
        await worker.update_tokens([token("a")])
        for _ in range(200):
            if await asyncio.to_thread(status, port) != 200:
                break
        assert await asyncio.to_thread(status, port) == 401
        assert await asyncio.to_thread(status, port, "a") == 200
        os.kill(worker.pid, signal.SIGKILL)
        assert await worker.wait() == -signal.SIGKILL
        await worker.update_tokens(None)

    asyncio.run(work())


@pytest.mark.parametrize(
    ("changes", "options", "error"),
    [
        ({"package": "broken"}, {}, InternalError),
        ({}, {"command": (sys.executable, "-c", "raise SystemExit(4)")}, UnavailableError),
        ({}, {"command": (sys.executable, "-c", "import time; time.sleep(60)"), "seconds": 0.3}, UnavailableError),
    ],
)
def test_what_cannot_start_is_said_and_leaves_no_process(spec, changes, options, error):
    with pytest.raises(error):
        asyncio.run(begin(msgspec.structs.replace(spec, **changes), **options))
