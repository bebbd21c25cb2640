"""What the decision core makes of estimates without labels: it may ask for a challenger; labels may contradict it."""

import msgspec
import pytest

from volant.config.model import Autonomy, RetrainConfig, TriggerConfig, TriggerKind
from volant.loop.decide import decide
from volant.loop.estimated import estimated_signal, validity_of
from volant.loop.model import Action, LoopEvidence, LoopPolicy, LoopState
from volant.monitoring.model import Estimate, EstimatedWindow

HOUR = 3_600_000_000
POLICY = LoopPolicy(retrain=RetrainConfig(when=(TriggerConfig(kind=TriggerKind.ESTIMATED),)), autonomy=Autonomy.AUTOPILOT)
STATE = LoopState(model="bikes", champion=1)


def window(number, loss, *, gap=None, **changes):
    fields = {
        "rows": 500,
        "loss": loss,
        "loss_variance": 0.0001,
        "df": 40,
        "low_loss": loss - 0.03,
        "high_loss": loss + 0.03,
        "value": loss,
        "low": loss - 0.03,
        "high": loss + 0.03,
        "bias_variance": 0.0001,
        "bias_df": 60,
        "gap": gap,
        "gap_rows": 0 if gap is None else 500,
        "gap_variance": None if gap is None else 0.0002,
        "gap_df": None if gap is None else 40,
    }
    return EstimatedWindow(
        from_us=number * HOUR, to_us=(number + 1) * HOUR, labelled=gap is not None, estimate=Estimate(**fields | changes)
    )


def decided(windows, reference=0.2):
    known = LoopEvidence(
        known_by=100 * HOUR,
        labels_since_training=0,
        reference_loss=reference,
        reference_variance=0.0001,
        reference_df=60,
        estimated=tuple(windows),
    )
    (decision,) = decide(STATE, known, POLICY, 100 * HOUR)
    return decision


def test_an_expected_loss_that_is_surely_worse_asks_for_a_challenger_without_any_label():
    decision = decided([window(0, 0.2), window(1, 0.3), window(2, 0.31)])
    assert (decision.action, decision.trigger) == (Action.RETRAIN, "estimated_performance")
    assert "labels not needed" in decision.sentence
    assert decision.evidence["estimated_loss"] > 0.25


def test_an_expected_loss_like_that_of_the_holdout_asks_for_nothing():
    assert decided([window(number, 0.2 + 0.005 * (-1) ** number) for number in range(60)]).action is Action.WAIT


@pytest.mark.parametrize("gap", [0.15, -0.15])
def test_an_estimate_that_labels_contradict_is_not_listened_to(gap):
    windows = [window(0, 0.3, gap=gap), window(1, 0.3, gap=gap), window(2, 0.32)]
    assert estimated_signal(windows, 0.2, 0.0001, 60).worse.fired
    decision = decided(windows)
    assert decision.action is Action.WAIT
    assert "labels contradict" in decision.sentence
    assert validity_of(windows).gap == pytest.approx(gap)


def test_labels_that_agree_leave_it_standing():
    found = validity_of([window(number, 0.3, gap=0.01 * (-1) ** number) for number in range(40)])
    assert (found.contradicted, found.windows > 0) == (False, True)


def test_windows_of_rows_that_the_champion_never_saw_the_like_of_do_not_count():
    far = [window(number, 0.4, outside=0.3, outside_column="temp") for number in range(4)]
    decision = decided([window(0, 0.2), *far])
    assert decision.action is Action.WAIT
    assert "left out" in decision.sentence
    assert decided(far).action is Action.WAIT


def test_without_a_reference_or_a_window_it_says_so():
    assert "no full window" in decided([]).sentence
    assert "no reference" in decided([window(0, 0.4)], reference=None).sentence


def test_labels_that_are_not_complete_are_no_evidence_against_it():
    early = msgspec.structs.replace(window(0, 0.3, gap=0.4), labelled=False)
    assert validity_of([early]).windows == 0
