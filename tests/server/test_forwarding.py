import asyncio
import json
import socket
import threading
import time

import pytest
from server_parts import JSON, ROW, WORKER, Client, Launching, app_of, ask, listening

from volant.access.model import Role, Token
from volant.access.tokens import secret_digest
from volant.evidence.reading import LogReader
from volant.kernel.errors import UnavailableError
from volant.server.addresses import reserve
from volant.server.forward import Forwarder, inference_routes
from volant.server.standing import Champion
from volant.server.upstream import Upstream

MAX_BODY = 300_000


def no_model():
    return UnavailableError("There is no model yet.", next_step="volant run")


class Echo:
    """A worker that answers with what it got, or as it is told by ``behave(writer)``."""

    def __init__(self, loop, behave=None):
        self.heads, self.bodies, self.connections = [], [], 0
        self._loop, self._behave = loop, behave
        self._server = loop.run(asyncio.start_server(self._talk, "127.0.0.1", 0))
        self.upstream = loop.run(self._made(self._server.sockets[0].getsockname()[1]))

    async def _made(self, port):
        return Upstream("127.0.0.1", port)

    async def _talk(self, reader, writer):
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head.decode("latin-1"))
                self.bodies.append(await self._body(reader, head.lower()))
                if self._behave:
                    self._behave(writer)
                else:
                    answer = json.dumps({"bytes": len(self.bodies[-1])}).encode()
                    writer.write(b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: application/json\r\nX-Own: 1\r\n")
                    writer.write(b"Connection: X-Hop\r\nX-Hop: 1\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    async def _body(self, reader, head):
        if b"transfer-encoding: chunked" in head:
            body = b""
            while size := int(await reader.readline(), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
            return body
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
        return await reader.readexactly(length)

    def close(self):
        self._loop.loop.call_soon_threadsafe(self._server.close)


@pytest.fixture
def forwarder():
    return Forwarder(no_model, max_body=MAX_BODY)


@pytest.fixture
def port(loop, forwarder):
    with listening(loop, app_of(inference_routes(forwarder))) as number:
        yield number


@pytest.fixture
def echo(loop, forwarder, port):  # noqa: ARG001 - the server is up before the worker
    made = Echo(loop)
    forwarder.target = made.upstream
    yield made
    made.close()


def behaving(loop, forwarder, behave):
    made = Echo(loop, behave)
    forwarder.target = made.upstream
    return made


def test_without_a_worker_the_answer_says_why_and_what_to_do(port):
    for path in ("/invocations", "/v2/models/bikes/infer"):
        status, headers, body = ask(port, "POST", path, b"{}", JSON)
        assert (status, headers["retry-after"]) == (503, "1")
        assert body["error"] == "There is no model yet."
        assert body["next"] == "volant run"
    assert ask(port, "GET", "/ping")[0] == 503


def test_bodies_pass_whole_whether_their_length_is_known_or_not(port, echo):
    client = Client(port)
    for size in (0, 1, 1000, MAX_BODY):
        assert client.ask("POST", "/invocations", b"x" * size)[2] == {"bytes": size}
        assert client.ask("POST", "/invocations", (b"x" * min(size, 5000) for _ in range(20)))[2] == {"bytes": 20 * min(size, 5000)}
    client.close()
    assert echo.connections == 1  # kept alive


def test_bodies_over_the_limit_are_refused_and_the_next_request_is_not_harmed(port, echo):
    assert ask(port, "POST", "/invocations", b"x" * (MAX_BODY + 1))[0] == 413
    assert ask(port, "POST", "/invocations", (b"x" * 10_000 for _ in range(31)))[0] == 413
    assert ask(port, "POST", "/invocations", b"x")[2] == {"bytes": 1}
    assert len(echo.bodies) == 1


def test_headers_of_one_connection_are_not_passed_on(port, echo):
    given = {
        "Connection": "keep-alive, X-Private",
        "X-Private": "1",
        "TE": "trailers",
        "Cookie": "volant_token=vol_x",
        "X-Request-Id": "r1",
        "Inference-Header-Content-Length": "2",
        "Origin": f"http://127.0.0.1:{port}",
    }
    status, headers, _ = ask(port, "POST", "/v2/models/a%2Fb/infer?x=%41", b"{}", given)
    assert status == 200
    assert headers["x-own"] == "1"
    assert "x-hop" not in headers
    assert headers.get("server") != "x"
    head = echo.heads[0].lower()
    assert head.startswith("post /v2/models/a%2fb/infer?x=%41 http/1.1\r\n")
    assert f"host: 127.0.0.1:{echo.upstream.port}\r\n" in head
    for gone in ("x-private", "\r\nte:", "\r\ncookie:", "\r\norigin:", "keep-alive"):
        assert gone not in head
    for kept in ("x-request-id: r1", "inference-header-content-length: 2", "authorization: bearer vol_x"):
        assert kept in head


def test_a_request_cannot_carry_another_one_inside(port, echo):
    smuggled = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
    smuggled += b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.settimeout(60)
        raw.sendall(smuggled)
        assert b" 400 " in raw.recv(1000).split(b"\r\n")[0]
    time.sleep(0.05)
    assert not [head for head in echo.heads if "/x" in head]


def test_head_is_answered_without_a_body(port, echo):
    assert ask(port, "HEAD", "/ping")[2] == b""
    assert echo.heads[0].startswith("GET /ping ")


def test_what_is_not_in_the_table_is_not_passed_on(port, echo):
    for path in ("/metrics", "/v2/repository/index", "/v3", "/invocations/x"):
        assert ask(port, "GET", path)[0] in {404, 405}
    assert echo.heads == []


def test_a_large_answer_passes_whole_to_a_slow_reader(loop, forwarder, port):
    size = 20_000_000

    def behave(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"y" * size)

    echo = behaving(loop, forwarder, behave)
    client = Client(port)
    client.connection.request("GET", "/ping")
    answer = client.connection.getresponse()
    time.sleep(0.3)
    assert len(answer.read()) == size
    client.close()
    echo.close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200", b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_a_worker_that_dies_before_it_answers_gives_503(loop, forwarder, port, answer):
    def behave(writer):
        writer.write(answer)
        writer.close()

    echo = behaving(loop, forwarder, behave)
    status, _, body = ask(port, "POST", "/invocations", b"{}", JSON)
    assert status == 503
    assert "ended before it answered" in body["error"]
    echo.close()


def test_half_an_answer_is_never_taken_for_a_whole_one(loop, forwarder, port):
    def behave(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 2_000_000)
        writer.close()

    echo = behaving(loop, forwarder, behave)
    with pytest.raises(Exception, match=r"IncompleteRead|Remote end|reset"):
        ask(port, "GET", "/ping")
    echo.close()


def test_a_short_answer_that_breaks_off_is_a_503(loop, forwarder, port):
    def behave(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        writer.close()

    echo = behaving(loop, forwarder, behave)
    status, _, body = ask(port, "GET", "/ping")
    assert status == 503
    assert "ended before it answered" in body["error"]
    echo.close()


def test_a_worker_that_is_gone_gives_503_at_once(loop, forwarder, port):
    echo = Echo(loop)
    forwarder.target = echo.upstream
    echo.close()
    time.sleep(0.1)
    assert ask(port, "POST", "/invocations", b"{}", JSON)[0] == 503


def test_an_early_refusal_is_passed_back_while_the_body_still_comes(loop, forwarder, port):
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        await asyncio.sleep(1)
        writer.close()

    async def made():
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        return Upstream("127.0.0.1", server.sockets[0].getsockname()[1])

    forwarder.target = loop.run(made())

    def slowly():
        for _ in range(20):
            time.sleep(0.02)
            yield b"x" * 100

    assert ask(port, "POST", "/invocations", slowly())[0] == 401


def test_clients_that_leave_do_not_harm_others(port, echo):
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
    assert ask(port, "POST", "/invocations", b"x")[2] == {"bytes": 1}
    deadline = time.monotonic() + 90
    while echo.upstream.in_flight and time.monotonic() < deadline:
        time.sleep(0.02)
    assert echo.upstream.in_flight == 0


def test_many_at_once_get_their_own_answers(port, echo):
    wrong = []

    def client(number):
        own = Client(port)
        for turn in range(20):
            size = number * 100 + turn
            if own.ask("POST", "/invocations", b"x" * size)[2] != {"bytes": size}:
                wrong.append(size)
        own.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert echo.upstream.in_flight == 0


def test_a_real_worker_predicts_through_the_server_and_logs_it(loop, forwarder, port, tmp_path):
    with reserve("127.0.0.1", 0) as private:
        forwarder.target = loop.run(Echo._made(None, private.getsockname()[1]))
        worker = loop.run(Launching(tmp_path, command=WORKER)(Champion(version=1, epoch=1, package="sum"), private))
    client = Client(port)
    status, headers, body = client.predict(**{"X-Request-Id": "r1"})
    assert (status, body) == (200, {"predictions": [12.5]})
    assert headers["x-volant-prediction-id"]
    assert client.predict(**{"X-Request-Id": "r1"})[1]["x-volant-prediction-id"] == headers["x-volant-prediction-id"]
    assert client.ask("POST", "/invocations", b'{"dataframe_records": [{}]}', JSON)[0] == 422
    assert client.ask("GET", "/v2/health/ready")[2] == {"ready": True}
    client.close()
    logged = list(LogReader(tmp_path / "log").predictions())
    assert [prediction.id for prediction in logged] == [headers["x-volant-prediction-id"]]
    assert logged[0].columns["temp"] == [ROW["temp"]]
    loop.run(worker.stop())


def test_a_token_is_asked_for_before_anything_is_passed_on(loop, forwarder):
    tokens = [Token(name=role.value, role=role, digest=secret_digest(f"vol_{role.value}"), created_at=0) for role in Role]
    echo = Echo(loop)
    forwarder.target = echo.upstream
    with listening(loop, app_of(inference_routes(forwarder), asks=True, tokens=tokens)) as port:
        assert ask(port, "POST", "/invocations", b"{}")[0] == 401
        assert ask(port, "POST", "/invocations", b"{}", {"Authorization": "Bearer vol_viewer"})[0] == 403
        assert echo.heads == []
        assert ask(port, "POST", "/invocations", b"{}", {"Authorization": "Bearer vol_service"})[0] == 200
        assert ask(port, "GET", "/v2/health/live")[0] == 200
    echo.close()
