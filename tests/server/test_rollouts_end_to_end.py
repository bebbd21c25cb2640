"""Whole servers with real workers: rollouts from the first shadow row to the last decision."""

import json
import time

from rollout_parts import EQUAL, FAILING, LIVE_STEPS, SLOW, STEPS, Traffic, Truth, arm_pid, assert_comes_out_again, kill, start, with_steps
from server_parts import ROW
from ups import is_alive, up

from volant.deployments.arms import is_canary
from volant.deployments.model import Phase
from volant.evidence.model import Outcome
from volant.evidence.reading import LogReader
from volant.wiring import commands


def state_of(project):
    return project.rollouts.state("bikes")


def logged(project):
    return list(LogReader(project.log_folder).predictions())


def test_an_equal_version_goes_through_shadow_and_canary_and_becomes_champion(rolling):
    project = with_steps(rolling, STEPS)
    with up(project.root) as server:
        server.until(server.ready)
        begun = start(project, EQUAL)
        with Traffic(lambda: server) as traffic:
            server.until(lambda: not state_of(project).active)
        state = state_of(project)
        assert state.phase is Phase.PROMOTED, state.sentence
        assert "without harm" in state.sentence
        assert not traffic.bad
        server.until(lambda: server.ready() == (EQUAL, 2))
        assert set(traffic.answered.values()) <= {0.0, 1.0}
        records = [p for p in logged(project) if p.trial is not None]
        weights = {stage.epoch: stage.share for stage in state.stages if stage.live}
        for record in records:
            if record.trial.epoch in weights:
                # The champion also answers what belongs to the canary while the canary cannot be asked.
                arm = record.trial.assigned or record.arm
                assert (arm == "canary") == is_canary(record.keys[0], begun.id, weights[record.trial.epoch]), "arms are sticky"
        pairs = {p.id: p for p in records}
        shadows = [p for p in records if p.arm == "shadow"]
        assert shadows
        assert all(p.values[0] == pairs[p.trial.pair].values[0] + 1 and p.request_id is None for p in shadows)
    assert_comes_out_again(project)


def test_a_version_that_raises_on_some_rows_is_rolled_back_and_no_request_fails(rolling):
    project = with_steps(rolling, LIVE_STEPS)
    with up(project.root) as server:
        server.until(server.ready)
        start(project, FAILING)
        with Traffic(lambda: server) as traffic:
            server.until(lambda: not state_of(project).active, seconds=90)
        state = state_of(project)
        assert state.phase is Phase.ROLLED_BACK
        assert "it failed on" in state.sentence
        assert not traffic.bad
        failed = [p for p in logged(project) if p.arm == "canary" and p.outcome is Outcome.ERROR]
        fallbacks = {p.trial.pair: p for p in logged(project) if p.trial is not None and p.trial.assigned == "canary"}
        assert failed
        assert all(p.id in fallbacks for p in failed)
        assert server.ready() == (1, 1)
    assert_comes_out_again(project)


def test_a_version_that_is_much_slower_is_rolled_back(rolling):
    project = with_steps(rolling, LIVE_STEPS)
    with up(project.root) as server:
        server.until(server.ready)
        start(project, SLOW)
        with Traffic(lambda: server) as traffic:
            server.until(lambda: not state_of(project).active, seconds=90)
        state = state_of(project)
        assert state.phase is Phase.ROLLED_BACK
        assert "it took longer than" in state.sentence
        assert not traffic.bad
    assert_comes_out_again(project)


def test_a_canary_whose_answers_turn_out_worse_is_rolled_back_with_the_figures(rolling):
    project = with_steps(rolling, LIVE_STEPS)
    with up(project.root) as server:
        server.until(server.ready)
        start(project, EQUAL)  # it answers one more than is true
        with Traffic(lambda: server, threads=2) as traffic:
            truth = Truth(server, traffic)
            server.until(lambda: len(traffic.answered) >= 700, seconds=60)
            truth.tell()
            server.until(lambda: truth.tell() or not state_of(project).active, seconds=60)
        state = state_of(project)
        assert state.phase is Phase.ROLLED_BACK
        assert "mae 1 against 0 of the champion" in state.sentence
        assert not traffic.bad
        assert server.ready() == (1, 1)
        assert commands.rollout(project)["evidence"]["loss_meter"] == 1.0
    assert_comes_out_again(project)


def test_killing_an_arm_or_the_champions_worker_loses_no_request_and_the_step_goes_on(rolling):
    project = with_steps(rolling, LIVE_STEPS)
    with up(project.root) as server:
        server.until(server.ready)
        begun = start(project, EQUAL)
        with Traffic(lambda: server) as traffic:
            server.until(lambda: 1.0 in traffic.answered.values())
            kill(first := arm_pid(server))
            server.until(lambda: arm_pid(server) not in {None, first})
            traffic.answered.clear()
            server.until(lambda: 1.0 in traffic.answered.values())
            kill(server.worker_pid())
            server.until(lambda: server.ready() is None)
            server.until(server.ready)
            traffic.answered.clear()
            server.until(lambda: 1.0 in traffic.answered.values())
        state = state_of(project)
        assert (state.phase, state.id, state.epoch, state.crashes) == (Phase.CANARY, begun.id, 1, 1), state.sentence
        assert not traffic.bad
    assert_comes_out_again(project)


def test_killing_the_server_in_a_step_leaves_a_rollout_that_the_next_server_takes_up(rolling):
    project = with_steps(rolling, LIVE_STEPS)
    servers = []
    with up(project.root, lease_us=1_000_000) as first:
        servers.append(first)
        first.until(first.ready)
        begun = start(project, EQUAL)
        with Traffic(lambda: servers[-1]) as traffic:
            first.until(lambda: 1.0 in traffic.answered.values())
            first.until(lambda: state_of(project).counts(1).candidate.rows > 0)
            arm = arm_pid(first)
            first.kill()
            with up(project.root, lease_us=1_000_000) as second:
                servers.append(second)
                second.until(second.ready)
                traffic.answered.clear()
                second.until(lambda: 1.0 in traffic.answered.values())
                second.until(lambda: not is_alive(arm))
                before = state_of(project).counts(1)
                second.until(lambda: state_of(project).counts(1).candidate.rows > before.candidate.rows + 20, seconds=90)
                state = state_of(project)
                assert (state.id, state.epoch) == (begun.id, 1)
        outcomes = [p for p in logged(project) if p.trial is not None and p.arm == "canary"]
        assert state.counts(1).candidate.requests <= len(outcomes) + 10, "a restart counts nothing twice"
        assert not traffic.bad
    assert_comes_out_again(project)


def test_going_back_to_the_former_champion_starts_no_process_and_loses_no_request(rolling):
    project = with_steps(rolling, STEPS)
    with up(project.root) as server:
        server.until(server.ready)
        former = server.worker_pid()
        commands.approve(project, f"bikes@{EQUAL}", reason="try", actor="ann", override=True)
        server.until(lambda: server.ready() == (EQUAL, 2))
        server.until(lambda: server.ask("GET", "/api/v1/status")[2]["server"]["serving"]["warm"] == 1)
        with Traffic(lambda: server) as traffic:
            server.until(lambda: len(traffic.answered) > 30)
            commands.rollback(project, reason="wrong on holidays", actor="ann")
            server.until(lambda: server.ready() == (1, 3))
            back = time.monotonic()
            server.until(lambda: len(traffic.answers_since(back)) > 10)
            assert set(traffic.answers_since(back)) == {0.0}
        assert not traffic.bad
        serving = server.ask("GET", "/api/v1/status")[2]["server"]["serving"]
        assert serving["pid"] == former
        # Both workers accept on the shared socket until the one that leaves has closed its door.
        server.until(lambda: ask_worker(server) == 200 and max(logged(project), key=lambda p: p.at).epoch == 3)


def ask_worker(server):
    from server_parts import ask

    body = json.dumps({"dataframe_records": [ROW]})
    return ask(server.worker_port, "POST", "/invocations", body, {"Content-Type": "application/json"})[0]
