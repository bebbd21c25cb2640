"""A champion's worker and a further arm, both real processes."""

import socket
import time

import pytest
from serving_workers import ROW

from volant.deployments.arms import Mode, Routing, is_canary
from volant.evidence.frames import read_frames
from volant.evidence.model import Outcome
from volant.evidence.reading import raw_files, read_segment
from volant.kernel.codec import canonical, decode
from volant.serving.arm_protocol import Ask, Told, Unpacker, packed
from volant.serving.spec import Update

ROLLOUT = "r1"
IN_CANARY = next(f"s{n}" for n in range(100) if is_canary(f'["s{n}","2026-01-01"]', ROLLOUT, 0.5))
IN_CHAMPION = next(f"s{n}" for n in range(100) if not is_canary(f'["s{n}","2026-01-01"]', ROLLOUT, 0.5))


def routing(path, mode=Mode.CANARY, share=0.5, epoch=1):
    return Routing(rollout=ROLLOUT, epoch=epoch, mode=mode, share=share, version=4, socket=str(path))


@pytest.fixture
def arms(start_worker, tmp_path):
    """Start an arm and a champion that knows it."""

    def begin(package="negative", **changes):
        path = tmp_path / "a.sock"
        if package is not None:
            start_worker(package=package, version=4, arm_socket=str(path))
        champion = start_worker(routing=routing(path, **changes))
        if package is not None:
            until(lambda: connected(champion))
        return champion

    return begin


def connected(champion):
    """The champion finds the arm a moment after it has started."""
    ask(champion, IN_CANARY)
    found = champion.logged()
    return any(p.arm in {"canary", "shadow"} for p in found)


def until(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ask(champion, station, city="Lyon", **headers):
    return champion.post({"dataframe_records": [{**ROW, "station": station, "city": city}]}, **headers)


def attempts(champion):
    """Every attempt in the log, whatever became of it."""
    payloads = [payload for path in raw_files(champion.log) for payload in read_frames(path.read_bytes())]
    return [payload for payload in payloads if b'"outcome":"attempt"' in payload]


def test_each_key_is_answered_by_its_arm_and_the_log_says_by_which(arms):
    champion = arms()
    assert ask(champion, IN_CANARY)[2] == {"predictions": [-12.5]}
    status, headers, answer = ask(champion, IN_CHAMPION)
    assert (status, answer) == (200, {"predictions": [12.5]})
    record = next(p for p in champion.logged() if p.id == headers["x-volant-prediction-id"])
    assert (record.arm, record.version, record.trial.rollout, record.trial.epoch) == ("champion", 3, ROLLOUT, 1)
    canary = next(p for p in champion.logged() if p.arm == "canary")
    assert (canary.version, canary.values, canary.outcome, canary.epoch) == (4, [-12.5], Outcome.OK, 2)
    assert canary.trial.model_us is not None
    assert len(attempts(champion)) == sum(p.arm == "canary" for p in champion.logged())


def test_an_arm_that_raises_gets_an_error_and_the_client_the_champions_answer(arms):
    champion = arms()
    status, headers, answer = ask(champion, IN_CANARY, "trap")
    assert (status, answer) == (200, {"predictions": [12.5]})
    failed = next(p for p in champion.logged() if p.outcome is Outcome.ERROR)
    assert (failed.arm, failed.version, "does not know this city" in failed.error) == ("canary", 4, True)
    told = next(p for p in champion.logged() if p.id == headers["x-volant-prediction-id"])
    assert (told.arm, told.trial.assigned, told.trial.pair) == ("champion", "canary", failed.id)


def test_an_arm_that_dies_at_a_request_costs_no_answer_and_the_next_ones_count_for_neither(arms):
    champion = arms()
    assert ask(champion, IN_CANARY, "vanish")[2] == {"predictions": [12.5]}
    errors = [p for p in champion.logged() if p.outcome is Outcome.ERROR]
    assert [(p.arm, "process ended" in p.error) for p in errors] == [("canary", True)]
    assert ask(champion, IN_CANARY)[2] == {"predictions": [12.5]}
    last = max(champion.logged(), key=lambda p: p.at)
    assert (last.arm, last.trial.assigned, last.trial.pair) == ("champion", "canary", None)


def test_an_arm_that_is_not_there_is_not_waited_for(arms):
    champion = arms(package=None)
    began = time.monotonic()
    assert ask(champion, IN_CANARY)[2] == {"predictions": [12.5]}
    assert time.monotonic() - began < 1


def test_nobody_waits_for_a_late_arm_longer_than_patience_lasts(start_worker, tmp_path):
    path = tmp_path / "late.sock"
    start_worker(package="late", version=4, arm_socket=str(path))
    champion = start_worker(routing=routing(path))
    until(lambda: ask(champion, IN_CANARY)[0] == 200 and any(p.outcome is Outcome.ERROR for p in champion.logged()))
    failed = next(p for p in champion.logged() if p.outcome is Outcome.ERROR)
    assert failed.error == "No answer within 2.0 seconds."


def test_shadows_answer_after_the_reply_and_a_slow_one_delays_nobody(start_worker, tmp_path):
    path = tmp_path / "late.sock"
    start_worker(package="late", version=4, arm_socket=str(path))
    champion = start_worker(routing=routing(path, mode=Mode.SHADOW, share=1.0))
    time.sleep(0.5)
    began = time.monotonic()
    for _ in range(20):
        assert ask(champion, IN_CANARY)[2] == {"predictions": [12.5]}
    assert time.monotonic() - began < 2
    assert {p.arm for p in champion.logged()} <= {"champion", "shadow"}


def test_a_shadow_names_the_champions_answer_and_no_request(arms):
    champion = arms(mode=Mode.SHADOW, share=1.0)
    _, headers, answer = ask(champion, IN_CHAMPION, X_Request_Id="mine")
    assert answer == {"predictions": [12.5]}
    wanted = headers["x-volant-prediction-id"]
    until(lambda: any(p.arm == "shadow" and p.trial.pair == wanted for p in champion.logged()))
    shadow = next(p for p in champion.logged() if p.arm == "shadow" and p.trial.pair == wanted)
    assert (shadow.values, shadow.request_id, shadow.version) == ([-12.5], None, 4)


def test_a_repeated_request_is_answered_by_the_same_prediction_whoever_made_it(arms):
    champion = arms()
    first, again = (ask(champion, IN_CANARY, X_Request_Id="once")[1]["x-volant-prediction-id"] for _ in range(2))
    assert first == again


def test_weights_change_while_serving_and_are_acknowledged(arms, tmp_path):
    champion = arms()
    for serial, share, wanted in ((1, 1.0, -12.5), (2, 1e-9, 12.5)):
        order = Update(serial=serial, tokens=None, routing=routing(tmp_path / "a.sock", share=share, epoch=serial + 1), epoch=7)
        champion.process.stdin.write(canonical(order) + b"\n")
        champion.process.stdin.flush()
        assert champion.process.stdout.readline() == b'{"serial":%d}\n' % serial
        assert ask(champion, IN_CHAMPION if serial == 1 else IN_CANARY)[2] == {"predictions": [wanted]}
    last = max(champion.logged(), key=lambda p: p.at)
    assert (last.trial.epoch, last.epoch) == (3, 7)


def test_a_closed_worker_accepts_nothing_and_an_open_one_everything_again(start_worker):
    worker = start_worker()
    for serial, accepts in ((1, False), (2, True)):
        worker.process.stdin.write(canonical(Update(serial=serial, tokens=None, open=accepts)) + b"\n")
        worker.process.stdin.flush()
        assert b'"serial":%d' % serial in worker.process.stdout.readline()
    assert ask(worker, IN_CANARY)[0] == 200
    worker.process.stdin.write(canonical(Update(serial=3, tokens=None, open=False)) + b"\n")
    worker.process.stdin.flush()
    worker.process.stdout.readline()
    with socket.create_connection(("127.0.0.1", worker.port), timeout=60) as waiting:
        waiting.settimeout(0.5)
        waiting.sendall(b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        with pytest.raises(TimeoutError):
            waiting.recv(1)


def test_an_arm_answers_its_socket_only_to_its_user_and_survives_nonsense(start_worker, tmp_path):
    path = tmp_path / "b.sock"
    start_worker(arm_socket=str(path))
    assert path.stat().st_mode & 0o077 == 0
    with socket.socket(socket.AF_UNIX) as nonsense:
        nonsense.settimeout(5)
        nonsense.connect(str(path))
        nonsense.sendall(packed(Told(number=1)) + b"\xff" * 64)
        assert nonsense.recv(1) == b""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        line.connect(str(path))
        columns = {name: [value] for name, value in ROW.items()}
        line.sendall(packed(Ask(number=7, columns=columns, count=1, until_ns=1 << 62))[:10])
        time.sleep(0.05)
        line.sendall(packed(Ask(number=7, columns=columns, count=1, until_ns=1 << 62))[10:])
        told = decode(Unpacker().feed(line.recv(65536))[0], Told)
    assert (told.number, told.values, told.error) == (7, [12.5], None)


def test_an_attempt_without_an_outcome_is_no_prediction(arms):
    champion = arms()
    ask(champion, IN_CANARY)
    for path in raw_files(champion.log):
        data = path.read_bytes()
        records = list(read_frames(data))
        cut = next((i for i, payload in enumerate(records) if b'"outcome":"attempt"' in payload), None)
        if cut is None:
            continue
        kept = sum(len(payload) + 12 for payload in records[: cut + 1])
        path.write_bytes(data[:kept])
        found = read_segment(path)
        assert len(found.attempts) == 1
        assert all(p.outcome is not Outcome.ATTEMPT for p in found.predictions)
        return
    pytest.fail("no attempt was logged")
