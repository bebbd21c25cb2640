"""The control process: time until it answers, memory while it is idle and after traffic, and what forwarding costs.

    python benchmarks/control_process.py

A server of a real project whose model is one addition is measured. Budgets
(DESIGN 9): ready in less than 1 s, at most 150 MB PSS.
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests" / "server"
ROW = {"temp": 1.5, "hum": None, "season": 2, "city": "Lyon", "holiday": False, "day": "2026-01-01", "station": "s"}
BODY = json.dumps({"dataframe_records": [ROW]})
READY_SECONDS, PSS_MB = 1.0, 150


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = prepare(Path(folder) / "bikes")
        times = [start_and_stop(root) for _ in range(5)]
        taken = statistics.median(times)
        print(f"ready after {taken * 1000:.0f} ms (median of 5; {READY_SECONDS / taken:.1f} x within budget)")
        measure_one(root)


def prepare(root):
    sys.path.insert(0, str(TESTS))
    from bikes_project import opened, release, run_twice, write_bikes

    release(opened(run_twice(write_bikes(root))), 1)
    return str(root)


def start(folder):
    began = time.perf_counter()
    command = [sys.executable, str(TESTS / "up_entry.py"), folder, json.dumps({"port": 0})]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(TESTS)})
    started = json.loads(process.stdout.readline())
    port = int(started["url"].rpartition(":")[2])
    assert b"200 OK" in asyncio.run(get(port, "/health"))
    return process, started, time.perf_counter() - began


def start_and_stop(folder):
    process, _, taken = start(folder)
    stop(process)
    return taken


def stop(process):
    os.kill(process.pid, signal.SIGTERM)
    process.wait(30)
    process.stdout.close()


def measure_one(folder):
    process, started, _ = start(folder)
    port, worker_port = (int(started[name].rpartition(":")[2]) for name in ("url", "worker_url"))
    while b"200 OK" not in asyncio.run(get(port, "/ready")):
        time.sleep(0.05)
    idle = pss_mb(process.pid)
    print(f"idle: {idle:.0f} MB PSS ({PSS_MB / idle:.1f} x within budget)")
    for connections, count in ((1, 2000), (64, 200)):
        rates = {name: asyncio.run(load(where, connections, count)) for name, where in (("direct", worker_port), ("forwarded", port))}
        for name, (rate, p50, p99) in rates.items():
            print(f"{connections:3d} connections, {name:9s}: {rate:6.0f}/s, p50 {p50:5.2f} ms, p99 {p99:5.2f} ms")
        print(f"{connections:3d} connections: forwarding reaches {rates['forwarded'][0] / rates['direct'][0]:.2f} of the worker's own port")
    print(f"after traffic: {pss_mb(process.pid):.0f} MB PSS")
    stop(process)


def pss_mb(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no Pss")


async def get(port, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


async def load(port, connections, count):
    request = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    request += BODY.encode()
    taken = []
    began = time.perf_counter()
    await asyncio.gather(*(client(port, request, count, taken) for _ in range(connections)))
    seconds = time.perf_counter() - began
    taken.sort()
    return len(taken) / seconds, taken[len(taken) // 2] * 1000, taken[int(len(taken) * 0.99)] * 1000


async def client(port, request, count, taken):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        began = time.perf_counter()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200")
        await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        taken.append(time.perf_counter() - began)
    writer.close()


if __name__ == "__main__":
    main()
