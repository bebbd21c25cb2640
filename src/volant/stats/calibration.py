"""Do events that are given a chance of 30 % happen in 30 % of cases?

*Calibration error.* Rows are cut into bins of equal numbers by their probability; in each the mean of ``event - probability``
is 0 for a calibrated model. The root of the weighted mean square over bins is the error. A plain average of gaps is above 0 for a
perfect model too, because gaps are estimated, so the variance of each gap is taken off its square (Kumar, Liang & Ma 2019,
"Verified uncertainty calibration", NeurIPS 32; Broecker 2012, Climate Dynamics 39). By Jensen's inequality the root mean square is
never below the expected calibration error, the mean of absolute gaps.

*Test and bounds.* The weighted sum of squares of gaps is a quadratic form of nearly normal numbers: a chi-square whose scale and
degrees of freedom match two moments (Satterthwaite 1946, Biometrics Bull. 2), non-central where the model is off. Inverting it gives
bounds, and at zero the test of "perfectly calibrated". The covariance of gaps over bins is that of dependent means: cosine
transforms as in :mod:`volant.stats.blocks`, or sums over groups, whichever is larger.

*Reliability line.* ``logit P(event) = intercept + slope * logit p`` (Cox 1958, Biometrika 45): slope 1 and intercept 0 for a
calibrated model, slope below 1 for one that is too sure. Variance by the sandwich over the same dependence.
"""

import math
from dataclasses import dataclass

import numpy as np

from volant.stats.blocks import cosine_count, mean_of_dependent, tie_codes
from volant.stats.paired import Interval, t_quantile

FEWEST_ROWS = 100
_ROWS_PER_BIN = 50
_MOST_BINS = 15
_EDGE = 1e-6
_MOST_STEPS = 50
_SMALL_STEP = 1e-9
_LARGEST_COEFFICIENT = 50
_SMALLEST_GROUP_COUNT = 10


@dataclass(frozen=True)
class Calibration:
    """What n rows show. ``error`` is debiased and never below 0; ``plain`` is the usual mean absolute gap, for comparison."""

    rows: int
    bins: int
    error: Interval
    plain: float
    p_value: float


def calibration_of(
    probability: np.ndarray, event: np.ndarray, confidence: float, times: np.ndarray | None = None, groups: np.ndarray | None = None
) -> Calibration:
    """Of probabilities (n,) and events (n,), n >= ``FEWEST_ROWS``. Bounds are one-sided at ``confidence`` on both sides."""
    rows = len(probability)
    bins, gap = _bins(probability), np.asarray(event, dtype=np.float64) - probability
    count = int(bins.max()) + 1
    weights = np.bincount(bins, minlength=count) / rows
    gaps = np.bincount(bins, weights=gap, minlength=count) / (weights * rows)
    residuals = np.zeros((rows, count))
    residuals[np.arange(rows), bins] = (gap - gaps[bins]) / weights[bins] / rows
    covariance, df = _covariance(residuals, times, groups)
    least = np.bincount(bins, weights=probability * (1 - probability), minlength=count) / (weights * rows) ** 2
    form = _Form.of(covariance, least, weights, df)
    total = float((weights * gaps**2).sum())
    return Calibration(rows, count, form.bounds(total, confidence, rows), float((weights * np.abs(gaps)).sum()), form.p_value(total))


def _bins(probability: np.ndarray) -> np.ndarray:
    """Numbers of bins with equal counts; equal probabilities are never separated. Shape (n,)."""
    wanted = int(np.clip(len(probability) // _ROWS_PER_BIN, 2, _MOST_BINS))
    edges = np.unique(np.quantile(probability, np.arange(1, wanted) / wanted))
    return np.unique(np.searchsorted(edges, probability, side="right"), return_inverse=True)[1].reshape(-1)


def _covariance(residuals: np.ndarray, times: np.ndarray | None, groups: np.ndarray | None) -> tuple[np.ndarray, int]:
    """Covariance of the columns' sums (rows, k) and its degrees of freedom."""
    from scipy.fft import dct

    units = residuals if times is None else _summed(residuals, tie_codes(times))
    if len(units) < 3:
        return np.zeros((residuals.shape[1],) * 2), 0
    nu, raised = cosine_count(units.sum(axis=1))
    waves = dct(units, type=2, norm="ortho", axis=0)[1 : nu + 1]
    by_time = waves.T @ waves * len(units) / nu * raised
    if groups is None:
        return by_time, nu
    sums = _summed(residuals, np.unique(groups.astype(str), return_inverse=True)[1].reshape(-1))
    if len(sums) < _SMALLEST_GROUP_COUNT:
        return by_time, nu
    by_group = sums.T @ sums * len(sums) / (len(sums) - 1)
    return (by_group, len(sums) - 1) if np.trace(by_group) > np.trace(by_time) else (by_time, nu)


def _summed(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    sums = np.zeros((int(codes.max()) + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums


@dataclass(frozen=True)
class _Form:
    """The weighted sum of squared gaps: ``scale`` times a non-central chi-square of ``df`` degrees."""

    scale: float
    df: float
    trace: float

    @classmethod
    def of(cls, covariance: np.ndarray, least: np.ndarray, weights: np.ndarray, df: int) -> "_Form":
        """``least`` are the variances of independent events at their own probabilities: the estimate never falls below these."""
        root = np.sqrt(weights)
        estimated = covariance * np.outer(root, root)
        floor = np.diag(least * weights)
        trace, independent = float(np.trace(estimated)), float(np.trace(floor))
        squares = float((floor**2).sum())
        if df > 1 and trace > independent:
            # E tr(S^2) = tr(C^2) (1 + 1/df) + tr(C)^2 / df for a covariance S estimated with df degrees of freedom
            unbiased = (float((estimated**2).sum()) - trace**2 / df) / (1 + 1 / df)
            squares = float(np.clip(unbiased, squares * (trace / independent) ** 2 if independent > 0 else 0.0, trace**2))
        trace = max(trace, independent)
        if trace <= 0:
            return cls(0.0, 1.0, 0.0)
        return cls(squares / trace, trace**2 / squares, trace)

    def p_value(self, total: float) -> float:
        """Of "every gap is 0"."""
        from scipy.stats import chi2

        return float(chi2.sf(total / self.scale, self.df)) if self.scale > 0 else (0.0 if total > 0 else 1.0)

    def bounds(self, total: float, confidence: float, rows: int) -> Interval:
        """The root of the debiased mean square, with the non-central chi-square inverted for both bounds."""
        value = math.sqrt(max(total - self.trace, 0.0))
        if self.scale <= 0:
            return Interval(value, value, value, 0.0, 0, rows)
        low, high = (math.sqrt(self.scale * _noncentrality(total / self.scale, self.df, level)) for level in (confidence, 1 - confidence))
        spread = (high - value) / t_quantile(confidence, 10**6)
        return Interval(value, low, high, spread**2, round(self.df), rows)


def _noncentrality(value: float, df: float, level: float) -> float:
    """The non-centrality at which the distribution holds ``level`` below ``value``; 0 where none does."""
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    if chi2.cdf(value, df) <= level:
        return 0.0
    top = value + 10.0
    while ncx2.cdf(value, df, top) > level:
        top *= 2
    return float(brentq(lambda shift: ncx2.cdf(value, df, max(shift, 1e-12)) - level, 0.0, top, xtol=1e-9 * top))


@dataclass(frozen=True)
class ReliabilityLine:
    """Slope and intercept of the events' logits over the probabilities' logits."""

    slope: Interval
    intercept: Interval


def reliability_line(
    probability: np.ndarray, event: np.ndarray, confidence: float, times: np.ndarray | None = None, groups: np.ndarray | None = None
) -> ReliabilityLine | None:
    """None where the line has no end (events are told apart exactly) or the probabilities do not vary."""
    clipped = np.clip(probability, _EDGE, 1 - _EDGE)
    logit = np.log(clipped / (1 - clipped))
    if np.ptp(logit) < 1e-9:
        return None
    design = np.column_stack([np.ones(len(logit)), logit])
    events = np.asarray(event, dtype=np.float64)
    fitted = _newton(design, events)
    if fitted is None:
        return None
    coefficients, inverse = fitted
    chances = _expit(design @ coefficients)
    moves = (design * (events - chances)[:, None]) @ inverse * len(events)
    slope, intercept = (_bounded(coefficients[k], moves[:, k], confidence, times, groups) for k in (1, 0))
    return ReliabilityLine(slope, intercept)


def _newton(design: np.ndarray, events: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Maximum likelihood with the inverse information; steps are halved until they help. None where there is no maximum."""
    coefficients = np.zeros(2)
    for _ in range(_MOST_STEPS):
        chances = _expit(design @ coefficients)
        information = (design * (chances * (1 - chances))[:, None]).T @ design
        if np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (events - chances))
        before = _likelihood(design @ coefficients, events)
        while np.abs(step).max() >= _SMALL_STEP and _likelihood(design @ (coefficients + step), events) < before:
            step = step / 2
        coefficients = coefficients + step
        if np.abs(coefficients).max() > _LARGEST_COEFFICIENT:
            return None
        if np.abs(step).max() < _SMALL_STEP:
            return coefficients, np.linalg.inv(information)
    return None


def _likelihood(logits: np.ndarray, events: np.ndarray) -> float:
    return float((events * logits - np.logaddexp(0.0, logits)).sum())


def _expit(values: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -500, 500))))


def _bounded(value: float, moves: np.ndarray, confidence: float, times: np.ndarray | None, groups: np.ndarray | None) -> Interval:
    estimate = mean_of_dependent(moves, times, groups)
    if not estimate.known:
        return Interval(float(value), None, None, 0.0, 0, len(moves))
    half = t_quantile(confidence, estimate.df) * math.sqrt(estimate.variance)
    return Interval(float(value), float(value) - half, float(value) + half, estimate.variance, estimate.df, len(moves))
