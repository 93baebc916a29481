"""A thousand quiet columns: false alerts at or under the declared rate, by our rule from counts to the alert."""

from __future__ import annotations

import numpy as np

from monitors.discovery import benjamini_hochberg, p_value
from monitors.drift import judge_counts
from monitors.measures import PSI
from store.result import Monitor, Status

RATE, COLUMNS, DAYS, REFERENCE, BINS = 0.05, 1000, 20, 5000, 20


def alerts_a_day(n: int, *, moved: int = 0, shift: float = 0.0) -> tuple[list[int], list[int]]:
    """False alerts and found ones of each day; of a thousand columns the first few have moved."""
    rng = np.random.default_rng((20261120, n))
    p_values, outside = np.empty((COLUMNS, DAYS)), np.empty((COLUMNS, DAYS), dtype=bool)
    for column in range(COLUMNS):
        shares = rng.dirichlet(np.full(BINS, 20.0))
        other = shares.copy()
        if column < moved:
            other[0], other[1:] = shares[0] + shift, shares[1:] * (1 - shares[0] - shift) / (1 - shares[0])
        before, after = rng.multinomial(REFERENCE, shares), rng.multinomial(n, other, size=DAYS)
        judged = judge_counts(before, after, variance=np.zeros(DAYS), limit=0.1)
        outside[column] = judged.status == Status.OUTSIDE
        for day in range(DAYS):
            told = {
                "p_value": judged.scaled.p_value[day],
                "chi_square": judged.compared.chi_square[day],
                "degrees": judged.compared.degrees[day],
            }
            p_values[column, day] = p_value(Monitor.DRIFT, PSI, None, told, n)
    false, found = [], []
    for day in range(DAYS):
        family = benjamini_hochberg(p_values[:, day].tolist(), RATE)
        stands = outside[:, day] & (p_values[:, day] <= family.threshold) & (family.found > 0)
        false.append(int(stands[moved:].sum()))
        found.append(int(stands[:moved].sum()))
    return false, found


def test_on_quiet_days_the_chance_of_any_alert_is_at_most_the_declared_rate() -> None:
    # Of 20 days one is declared; a binomial of 20 at 0.05 is beyond 4 three times in a thousand.
    for n in (100, 200, 1000):
        false, _ = alerts_a_day(n)
        assert sum(count > 0 for count in false) <= 4, n


def test_what_moved_is_found_among_the_quiet_ones() -> None:
    false, found = alerts_a_day(1000, moved=50, shift=0.25)
    assert min(found) == 50
    # The declared rate is a share of what is found: 5 % of some 50 a day on the average, and the effect asked for too.
    assert sum(false) <= 0.05 * (sum(found) + sum(false))
