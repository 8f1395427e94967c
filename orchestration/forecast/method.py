"""One daily series: its forecast, and how such forecasts fared on its past.

Belongs here: numbers in, numbers out. Does not: which series there are (`tables.py`).

A model is fitted at every seventh day of the past (rolling origin) and compared with what came and
with the seasonal-naive forecast, which repeats the last week. How far it was off says how wide the
intervals are: split conformal prediction (Vovk et al. 2005) on the residuals of the last quarter,
for each week of the horizon and each side on its own. Coverage is measured in the same way: an
interval of the past knows only what was known on its day.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
from augurs import MSTL

HORIZON = 28  # days ahead
SEASON = 7
LEVELS = (80, 95)  # percent of outcomes that an interval is to hold
_WINDOW = 364  # days a model is fitted on; what is older says little about next month
_SHORTEST_FIT = 56
_ORIGINS = 52  # of the backtest: a year
_CALIBRATION = 13  # origins whose residuals make the intervals: a quarter
# The 95 % interval needs 39 residuals a side, which six origins give.
_FEWEST_CALIBRATION = 6
# Shortest series that gets a forecast.
FEWEST_DAYS = _SHORTEST_FIT + HORIZON + (_FEWEST_CALIBRATION - 1) * SEASON
# Days of history that matter.
MOST_DAYS = _WINDOW + HORIZON + (_ORIGINS - 1) * SEASON

Vector = np.ndarray


@dataclass(frozen=True)
class Forecast:
    """HORIZON days: what is expected, and level in percent → lower and upper bound."""

    expected: Vector
    bounds: dict[int, tuple[Vector, Vector]]


@dataclass(frozen=True)
class Accuracy:
    """How forecasts of a series fared at `origins` days of its past, each HORIZON days ahead.

    Errors are means of absolute errors. `mase` is `error` as a share of the seasonal-naive
    forecasts' of the same days; `mase_in_sample` as a share of the seasonal-naive error one week
    ahead within the days fitted (Hyndman and Koehler 2006); None where that is 0. `coverage` is the
    share (0 to 1) of outcomes inside the interval of a level, at the `covered_origins` origins that
    had residuals enough before them, None where none had.
    """

    method: str
    origins: int
    error: float
    seasonal_naive_error: float
    mase: float | None
    mase_in_sample: float | None
    covered_origins: int
    coverage: dict[int, float | None]


def forecast_series(history: Vector) -> tuple[Forecast, Accuracy]:
    """Forecast the days after `history` (a value per day, none below 0, the last day last).

    The better one of two methods in the backtest: `mstl_ets` (seasonal decomposition, exponential
    smoothing of the rest; the `augurs` library) or `seasonal_naive`. Raises ValueError when there
    are fewer than FEWEST_DAYS days.
    """
    if len(history) < FEWEST_DAYS:
        raise ValueError(f"{len(history)} days are too few; {FEWEST_DAYS} are needed")
    history = history[-MOST_DAYS:]
    days = len(history)
    # The last three see only part of their horizon: enough for the near weeks' intervals.
    first = max(_SHORTEST_FIT, days - HORIZON - (_ORIGINS - 1) * SEASON)
    origins = np.arange(days - SEASON, first - 1, -SEASON)[::-1]
    whole = origins <= days - HORIZON
    residuals = {
        method: np.array([_residuals(history, origin, method) for origin in origins])
        for method in _METHODS
    }
    errors = {method: float(np.abs(rows[whole]).mean()) for method, rows in residuals.items()}
    method = min(_METHODS, key=errors.__getitem__)
    chosen = residuals[method]
    scales = np.array([_naive_error_in(history[:origin]) for origin in origins[whole]])
    scaled = np.abs(chosen[whole]).mean(axis=1)
    expected = _METHODS[method](history)
    widths = {level: _widths(chosen, origins, days, level / 100) for level in LEVELS}
    covered = {level: _covered(history, chosen, origins, level / 100) for level in LEVELS}
    accuracy = Accuracy(
        method=method,
        origins=int(whole.sum()),
        error=errors[method],
        seasonal_naive_error=errors["seasonal_naive"],
        mase=_ratio(errors[method], errors["seasonal_naive"]),
        mase_in_sample=float((scaled / scales).mean()) if scales.all() else None,
        covered_origins=len(covered[LEVELS[0]]),
        coverage={
            level: float(np.mean(shares)) if shares else None for level, shares in covered.items()
        },
    )
    bounds = {level: _bounds(expected, width) for level, width in widths.items() if width}
    return Forecast(expected, bounds), accuracy


def _mstl_ets(history: Vector) -> Vector:
    model = MSTL.ets([SEASON])
    model.fit(history[-_WINDOW:])
    return np.maximum(model.predict(HORIZON, None).point(), 0.0)


def _seasonal_naive(history: Vector) -> Vector:
    return np.tile(history[-SEASON:], HORIZON // SEASON)


# The first of two that are equally good is taken.
_METHODS = {"mstl_ets": _mstl_ets, "seasonal_naive": _seasonal_naive}


def _residuals(history: Vector, origin: int, method: str) -> Vector:
    """What came less what was expected at `origin`; NaN where it has not come yet."""
    outcome = np.full(HORIZON, np.nan)
    known = history[origin : origin + HORIZON]
    outcome[: len(known)] = known
    return outcome - _METHODS[method](history[:origin])


def _naive_error_in(history: Vector) -> float:
    fitted = history[-_WINDOW:]
    return float(np.abs(fitted[SEASON:] - fitted[:-SEASON]).mean())


def _widths(
    residuals: Vector, origins: Vector, today: int, share: float
) -> tuple[Vector, Vector] | None:
    """Distance of the lower and the upper bound per day ahead, from what is known on day `today`;
    None while that is too little."""
    below, above = np.empty(HORIZON), np.empty(HORIZON)
    for start in range(0, HORIZON, SEASON):
        week = slice(start, start + SEASON)
        known = residuals[origins + week.stop <= today, week][-_CALIBRATION:]
        if len(known) < _FEWEST_CALIBRATION:
            return None
        below[week] = _quantile(-known.ravel(), (1 + share) / 2)
        above[week] = _quantile(known.ravel(), (1 + share) / 2)
    return below, above


def _quantile(residuals: Vector, share: float) -> float:
    """The conformal quantile, of n residuals the ⌈(n + 1) · share⌉th; an interval always holds
    what is expected, so not below 0."""
    rank = min(ceil((len(residuals) + 1) * share), len(residuals))
    return max(float(np.sort(residuals)[rank - 1]), 0.0)


def _bounds(expected: Vector, widths: tuple[Vector, Vector]) -> tuple[Vector, Vector]:
    below, above = widths
    return np.maximum(expected - below, 0.0), expected + above


def _covered(history: Vector, residuals: Vector, origins: Vector, share: float) -> list[float]:
    """Per origin that had an interval, the share of the days ahead that fell into it."""
    shares = []
    for origin, row in zip(origins, residuals, strict=True):
        outcome = history[origin : origin + HORIZON]
        widths = _widths(residuals, origins, int(origin), share)
        if widths is not None and len(outcome) == HORIZON:
            lower, upper = _bounds(outcome - row, widths)
            shares.append(float(((lower <= outcome) & (outcome <= upper)).mean()))
    return shares


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
