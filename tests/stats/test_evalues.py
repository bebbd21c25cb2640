import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volant.stats.evalues import Bad, Wager, log_harm, log_safety, wager

counts = st.integers(min_value=0, max_value=300)
shares = st.floats(min_value=0.01, max_value=0.99)


def expectation(share, events, log_value):
    """Of the wealth after so many bad events, each the candidate's with probability ``share``."""
    total = 0.0
    for candidate in range(events + 1):
        chance = math.comb(events, candidate) * share**candidate * (1 - share) ** (events - candidate)
        total += chance * math.exp(log_value(Bad(share=share, champion=events - candidate, candidate=candidate)))
    return total


def odds_share(share, ratio):
    return ratio * share / (1 - share + ratio * share)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("events", [1, 7, 40])
def test_without_a_difference_the_wealth_is_expected_to_stay_at_one(share, events):
    assert expectation(share, events, lambda bad: log_harm([bad])) == pytest.approx(1)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_candidate_at_twice_the_odds_gains_no_wealth_for_being_safe(share):
    at_null = odds_share(share, 2.0)

    def safety(bad):
        return log_safety([Bad(share=share, champion=bad.champion, candidate=bad.candidate)])

    assert expectation(at_null, 30, safety) == pytest.approx(1)
    assert expectation(odds_share(share, 3.0), 30, safety) < 1


@given(share=shares, champion=counts, candidate=counts)
def test_the_formulas_are_those_of_the_papers(share, champion, candidate):
    ratios = (1.25, 1.5, 2, 3, 5, 10, 20)
    logs = []
    for ratio in ratios:
        theta = ratio * share / (1 - share + ratio * share)
        logs.append(candidate * math.log(theta / share) + champion * math.log((1 - theta) / (1 - share)))
    top = max(logs)
    expected = top + math.log(sum(math.exp(value - top) for value in logs) / len(logs))
    assert log_harm([Bad(share=share, champion=champion, candidate=candidate)]) == pytest.approx(expected, abs=1e-9)


@given(share=shares, champion=counts, candidate=counts)
def test_more_errors_of_the_candidate_speak_for_harm_and_against_safety(share, champion, candidate):
    fewer, more = (Bad(share=share, champion=champion, candidate=candidate + extra) for extra in (0, 1))
    assert log_harm([more]) >= log_harm([fewer])
    assert log_safety([more]) <= log_safety([fewer])


def test_nothing_that_went_wrong_says_nothing():
    assert log_harm([]) == log_harm([Bad(share=0.5, champion=0, candidate=0)]) == 0
    assert log_safety([]) == 0


def test_stages_multiply_and_each_is_judged_under_its_own_share():
    first, second = Bad(share=0.1, champion=3, candidate=2), Bad(share=0.5, champion=4, candidate=9)
    assert log_harm([first, second]) == log_harm([second, first])
    assert log_harm([first, second], [2.0]) == pytest.approx(log_harm([first], [2.0]) + log_harm([second], [2.0]))


def test_a_million_errors_are_no_overflow():
    assert math.isfinite(log_harm([Bad(share=0.1, champion=10**6, candidate=10**6)]))
    assert math.isfinite(log_safety([Bad(share=0.1, champion=10**6, candidate=1)]))


def test_a_share_of_zero_or_one_with_errors_is_refused():
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match="between 0 and 1"):
            log_harm([Bad(share=share, champion=1, candidate=1)])


def ever(chance_champion, chance_candidate, *, seed, requests=8_000, share=0.2, runs=120):
    """Shares of runs that ever cross for harm, looking after every bad event."""
    rolls, crossed = random.Random(seed), 0
    for _ in range(runs):
        champion = candidate = 0
        for _ in range(requests):
            if rolls.random() < share:
                candidate += (bad := rolls.random() < chance_candidate)
            else:
                champion += (bad := rolls.random() < chance_champion)
            if bad and log_harm([Bad(share=share, champion=champion, candidate=candidate)]) >= math.log(20):
                crossed += 1
                break
    return crossed / runs


def test_looking_at_every_error_gives_few_false_alarms_and_finds_real_harm():
    assert ever(0.01, 0.01, seed=1) <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 120)
    assert ever(0.01, 0.05, seed=2, runs=20) == 1.0


def test_bets_on_paired_losses_do_not_depend_on_the_order_or_the_batches():
    rolls = random.Random(3)
    values = [rolls.uniform(-1, 1) for _ in range(200)]
    whole = wager(Wager(margin=0.05), values)
    parts = wager(wager(Wager(margin=0.05), values[120:]), values[:120])
    assert whole.logs == pytest.approx(parts.logs)
    assert (whole.pairs, whole.mean) == (200, pytest.approx(sum(values) / 200))


def test_bets_find_a_candidate_that_loses_more_and_spare_one_that_does_not():
    rolls = random.Random(4)
    worse = wager(Wager(), (max(-1.0, min(1.0, rolls.gauss(0.1, 0.2))) for _ in range(400)))
    assert worse.log_wealth > math.log(20)
    crossed = 0
    for _ in range(200):
        state = Wager()
        for _ in range(40):
            state = wager(state, [rolls.choice([-0.3, 0.3]) for _ in range(10)])
            if state.log_wealth >= math.log(20):
                crossed += 1
                break
    assert crossed / 200 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 200)


def test_a_difference_outside_its_bounds_is_refused():
    with pytest.raises(ValueError, match="within -1 and 1"):
        wager(Wager(), [1.5])
