"""A connection to an arm at the moment it breaks."""

import asyncio

import pytest
import uvloop

from volant.serving.arm_client import ArmClient, ArmGoneError


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_who_asks_in_the_moment_the_connection_breaks_hears_that_the_arm_is_gone(tmp_path, loop):
    async def broken():
        path = str(tmp_path / "a.sock")
        server = await asyncio.start_unix_server(lambda *_: None, path)
        client = ArmClient(path)
        async with asyncio.timeout(10):
            while not client.connected:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        client._line.transport.abort()
        with pytest.raises(ArmGoneError):  # nobody could be told yet
            await client.ask({"a": [1]}, 1, seconds=30)
        assert not client.connected
        client.close()
        server.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(broken())
