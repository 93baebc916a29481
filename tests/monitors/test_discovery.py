"""False discoveries: Benjamini-Hochberg over the tests of a day, and what it does to alerts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from monitors.alert_words import sentence
from monitors.alerts import step
from monitors.discovery import benjamini_hochberg, day_of, family_key, held_back, p_value, with_discoveries
from monitors.severity import grade
from monitors.signals import counts_as
from store.result import Result

DAY = datetime(2026, 10, 2)
NOW = datetime(2026, 10, 2, 6)


def drift(about: str, p: float | None, status: str = "outside", **more: Any) -> Result:
    fields: dict[str, Any] = {
        "model": "loans", "version": "3", "site": "a", "monitor": "drift", "measure": "psi", "about": about,
        "window_from": DAY - timedelta(days=1), "window_to": DAY, "status": status, "value": 0.13, "n_current": 900,
        "limit_op": "at_most", "limit_value": 0.1, "details": {} if p is None else {"p_value": p, "effect": 0.12},
        **more,
    }  # fmt: skip
    return Result(**fields)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.sampled_from([0.01, 0.05, 0.2]))
def test_the_same_tests_stand_as_in_scipy(p_values: list[float], rate: float) -> None:
    found = benjamini_hochberg(p_values, rate)
    steps = np.sort(np.array(p_values)) - rate * np.arange(1, len(p_values) + 1) / len(p_values)
    if np.min(np.abs(steps)) < 1e-12:
        return  # on the border itself rounding decides
    mine = [found.stands(p) for p in p_values]
    assert mine == (false_discovery_control(p_values) <= rate).tolist() and found.found == sum(mine)


def test_one_of_a_thousand_quiet_columns_is_chance_and_keeps_its_verdict() -> None:
    quiet = [drift(f"x{i}", (i + 1) / 1000, "within") for i in range(999)]
    [*_, held] = with_discoveries([*quiet, drift("y", 0.0008)], rate=0.05)
    assert held.status == "outside" and held_back(held) and counts_as(held) == "unclear"
    assert held.details["discovery"]["tests"] == 1000 and held.details["discovery"]["threshold"] == pytest.approx(5e-5)
    assert step(None, held, now=NOW, tier=3) == (None, [])
    graded = grade(held, tier=1)
    assert graded.severity == "low" and "1,000 tests" in graded.rule
    assert "may have moved" in sentence(held) and "chance" in sentence(held)
    pending, _ = step(None, held, now=NOW, tier=3, history=["unclear", "unclear"])
    assert pending is not None and pending.condition == "pending" and pending.severity == "low"


def test_what_stands_fires_and_alone_it_always_does() -> None:
    for family in ([drift("y", 0.0008)], [drift(f"x{i}", 0.0008) for i in range(50)]):
        for result in with_discoveries(family, rate=0.05):
            assert result.details["discovery"]["stands"] and not held_back(result)
            state, _ = step(None, result, now=NOW, tier=3)
            assert state is not None and state.condition == "firing"


def test_the_tests_of_earlier_runs_of_the_day_belong_to_it_and_those_of_this_run_replace_them() -> None:
    one = drift("y", 0.0008)
    before = [((f"s{i}",), day_of(DAY), 0.5) for i in range(999)]
    [held] = with_discoveries([one], rate=0.05, standing=[*before, (family_key(one), day_of(DAY), 0.9)])
    assert held_back(held) and held.details["discovery"]["tests"] == 1000
    [free] = with_discoveries(
        [one], rate=0.05, standing=[(k, day_of(DAY) + timedelta(days=1), p) for k, _, p in before]
    )
    assert not held_back(free)


def test_distances_without_a_test_stand_by_their_own_rule() -> None:
    [distance] = with_discoveries([drift("y", None, measure="normed_wasserstein")], rate=0.05)
    assert "discovery" not in distance.details and not held_back(distance)


def test_a_p_value_as_measure_is_its_own_test() -> None:
    quiet = [drift(f"x{i}", None, "within", measure="ks_p", value=0.5) for i in range(99)]
    [*_, held] = with_discoveries([*quiet, drift("y", None, measure="ks_p", value=0.01)], rate=0.05)
    assert held_back(held)
    [*_, passed] = with_discoveries([*quiet, drift("y", None, measure="ks_p", value=0.01)], rate=1.0)
    assert not held_back(passed)


def test_midnight_ends_the_day_before() -> None:
    assert day_of(DAY) == (DAY - timedelta(days=1)).date() and day_of(DAY + timedelta(hours=1)) == DAY.date()


def test_on_quiet_days_any_false_alert_has_at_most_the_declared_chance() -> None:
    rng = np.random.default_rng(20261120)
    days = 2000
    alarms = sum(benjamini_hochberg(rng.random(1000).tolist(), 0.05).found > 0 for _ in range(days))
    # A binomial of 2,000 days at 0.05 exceeds 0.065 about once in a thousand times.
    assert alarms / days <= 0.065
    assert sum(int((rng.random(1000) <= 0.05).sum()) for _ in range(20)) / 20 > 40  # uncorrected: fifty a day


def test_a_chi_square_of_few_rows_stands_with_a_fatter_tail_and_of_many_with_its_own() -> None:
    details = {"p_value": 5e-5, "chi_square": 46.0, "degrees": 15}

    def p(n: int, measure: str = "psi") -> float:
        found = p_value("drift", measure, None, details, n)
        assert found is not None
        return found

    assert p(100) > 4e-4 > p(200) > 1e-4 > p(1000) >= p(10**9) == pytest.approx(5e-5, rel=0.1)
    assert p(3) > 0.01 and p(0) > 0.01
    assert p(100, "ks") == 5e-5 and p_value("quality", "psi", None, details, 100) is None
