"""Months of electricity prices as live traffic: no key, no time column, labels that name predictions."""

import random
from statistics import fmean

import pytest
from streamed import elec2_project, released
from told import actions, answers_of_the_first, assert_each_once, assert_same_once_more, assert_told

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.nightly]

STEPS = "[{shadow: 36 rows}, {canary: 50%, rows: 84}, full]"


def interval(gains, *, block, share=0.95, draws=2000):
    """Interval of a mean over rows that depend on their neighbours: whole blocks are drawn again (Kuensch 1989)."""
    blocks = [fmean(gains[at : at + block]) for at in range(0, len(gains) - block + 1, block)]
    dice = random.Random(7)
    means = sorted(fmean(dice.choices(blocks, k=len(blocks))) for _ in range(draws))
    return means[int(draws * (1 - share) / 2)], means[int(draws * (1 + share) / 2)]


@pytest.fixture(scope="module")
def prices(real_data, tmp_path_factory):
    """A year of electricity prices, labels by prediction."""
    folder = tmp_path_factory.mktemp("streamed")
    root, rows = elec2_project(
        folder, real_data, holdout="500 rows", when="[{new_labels: 2000}]", steps=STEPS, window=f"{{keep: last, size: {9060} rows}}"
    )
    stream = released(root, rows[:12000], stride=192, batch=48)
    with stream.serving():
        stream.play()
    return stream


def test_prices_are_not_worse_than_never_retrained(prices, tmp_path):
    assert "promote" in actions(prices)
    lived = [answer != label for answer, label in zip(prices.answers, prices.labels, strict=True)]
    never = [answer != label for answer, label in zip(answers_of_the_first(prices, tmp_path), prices.labels, strict=True)]
    gains = [float(before) - float(now) for before, now in zip(never, lived, strict=True)]
    low, high = interval(gains, block=48 * 7)
    assert high > 0, (fmean(never), fmean(lived), low, high)
    assert fmean(gains) >= 0


def test_every_decision_about_prices_is_told_with_its_evidence(prices):
    assert_told(prices)
    assert_each_once(prices)
    assert_same_once_more(prices)
