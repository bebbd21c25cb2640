"""The former champion's worker is kept warm, and brought back warm when a server starts again, within bounds."""

import json

import pytest
from bikes_project import opened, release
from server_parts import ROW, ask
from ups import is_alive, up

from volant.kernel.clock import DAY_US
from volant.server.standing import Champion
from volant.server.warmth import Former, Warmth
from volant.testing.clock import FakeClock
from volant.wiring import commands

FORMER = Former(champion=Champion(version=1, epoch=1, package="p"), replaced_at=0)


@pytest.fixture
def proc(tmp_path):
    """A machine: ``proc(available, taken)`` in megabytes."""

    def set_to(available, taken):
        (tmp_path / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable: {available * 1024} kB\n")
        (tmp_path / "7").mkdir(exist_ok=True)
        (tmp_path / "7" / "statm").write_text(f"1 {taken * 256} 0 0 0 0 0\n")
        return tmp_path

    return set_to


def test_the_former_champion_is_kept_for_a_day(proc):
    clock = FakeClock(0)
    warmth = Warmth(clock, proc=proc(4000, 100))
    assert warmth.wanted(FORMER, 7) == FORMER.champion
    clock.advance(DAY_US)
    assert warmth.wanted(FORMER, 7) is None
    assert warmth.wanted(None, 7) is None


@pytest.mark.parametrize(("available", "taken"), [(50, 100), (9000, 3000)])
def test_what_the_machine_has_no_room_for_is_let_go_and_not_tried_again(proc, available, taken):
    warmth = Warmth(FakeClock(0), proc=proc(available, taken))
    assert warmth.wanted(FORMER, 7) is None
    proc(9000, 10)
    assert warmth.wanted(FORMER, 7) is None
    other = Former(champion=Champion(version=2, epoch=2, package="q"), replaced_at=0)
    assert warmth.wanted(other, 7) == other.champion


def test_where_the_system_says_nothing_it_is_kept(tmp_path):
    assert Warmth(FakeClock(0), proc=tmp_path).wanted(FORMER, 7) == FORMER.champion


def serving_of(server):
    return server.ask("GET", "/api/v1/status")[2]["server"]["serving"]


def test_after_a_restart_the_former_champion_is_warm_again_answers_nothing_and_is_back_at_once(project):
    release(project, 1)
    commands.approve(project, "bikes@2", reason="better", actor="ann", override=True)
    with up(project.root) as server:
        server.until(lambda: serving_of(server)["warm"] == 1)
        warm = serving_of(server)["warm_pid"]
        body = json.dumps({"dataframe_records": [ROW]})
        said = [ask(server.worker_port, "POST", "/invocations", body, {"Content-Type": "application/json"}) for _ in range(20)]
        assert {status for status, _, _ in said} == {200}
        assert server.ready() == (2, 2)
        commands.rollback(project, reason="wrong", actor="ann")
        server.until(lambda: server.ready() == (1, 3))
        assert serving_of(server)["pid"] == warm, "the worker that was warm answers"
        server.until(lambda: serving_of(server)["warm"] is None)
    from volant.evidence.reading import LogReader

    versions = {prediction.version for prediction in LogReader(opened(project.root).log_folder).predictions()}
    assert versions == {2}
    assert not is_alive(warm)
