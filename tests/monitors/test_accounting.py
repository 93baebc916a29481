"""Budgets: the conversion against others' figures, sums without tolerance, refusals with the figures."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.accounting import (
    GRID,
    Budget,
    Spend,
    admit,
    cap_rho,
    check_plan,
    epsilon_of,
    exact,
    fullest,
    privacy_result,
    spends_of,
    spent,
)
from monitors.subject import Subject
from store.errors import BadInput, BudgetExceeded

MONDAY = datetime(2026, 8, 31)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
DELTA = exact("1e-6")


def budget(per: timedelta = 35 * DAY, block: timedelta = WEEK) -> Budget:
    return Budget("customers", Fraction(3), DELTA, per, block)


def spend(week: int, rho: Fraction, people: str = "customers") -> Spend:
    return Spend(people, MONDAY + week * WEEK, MONDAY + (week + 1) * WEEK, rho)


@pytest.mark.realdata
def test_conversion_agrees_with_the_oracles(real_data: Path) -> None:
    with (real_data / "dp" / "zcdp_to_eps.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        epsilon = epsilon_of(exact(row["rho"]), exact(row["delta"]))
        assert epsilon == pytest.approx(float(row["cks"]), rel=1e-8)
        assert epsilon == pytest.approx(float(row["opendp"]), rel=1e-8)
        # Never below the exact loss of the Gaussian, never above the older bound.
        assert float(row["exact_gaussian"]) <= epsilon <= float(row["bs16"])


@pytest.mark.parametrize(("rho", "delta"), [("1/100", "1e-6"), ("0.3", "1e-9"), ("5", "1e-5"), ("0.0001", "0.01")])
def test_conversion_agrees_with_opendp(rho: str, delta: str) -> None:
    import opendp.prelude as dp

    dp.enable_features("contrib")
    scale = float(1 / (2 * exact(rho))) ** 0.5
    space = dp.vector_domain(dp.atom_domain(T="i64"), size=1), dp.l2_distance(T=float)
    theirs = dp.c.make_zCDP_to_approxDP(dp.m.make_gaussian(*space, scale)).map(1.0).epsilon(float(exact(delta)))
    assert epsilon_of(exact(rho), exact(delta)) == pytest.approx(theirs, rel=1e-6, abs=1e-9)


@given(st.integers(1, 80), st.integers(3, 12))
def test_the_cap_is_the_largest_that_keeps_the_promise(tenths: int, digits: int) -> None:
    epsilon, delta = Fraction(tenths, 10), Fraction(1, 10**digits)
    cap = cap_rho(epsilon, delta)
    assert epsilon_of(cap, delta) <= epsilon < epsilon_of(cap + Fraction(1, GRID), delta)


def test_text_is_read_as_written_and_floats_are_refused() -> None:
    assert exact("0.01") == exact("1/100") == exact("1e-2") == Fraction(1, 100) != Fraction(0.01)
    for wrong in ("", "a", "1/0", 0.01):
        with pytest.raises(BadInput):
            exact(wrong)


def test_default_spends_fill_the_window_to_the_last_grain() -> None:
    own = budget()
    spends: list[Spend] = []
    for week in range(12):
        admit(spends, spend(week, own.default_rho), own)
        spends.append(spend(week, own.default_rho))
    assert own.blocks == 5
    assert fullest(spends, own) is not None and fullest(spends, own).rho == own.cap
    # A grain too small for a float beside the cap is refused all the same.
    with pytest.raises(BudgetExceeded) as refused:
        admit(spends, spend(6, Fraction(1, 10**30)), own)
    assert refused.value.details["cap_rho"] == str(own.cap)
    assert "customers" in refused.value.message and "2026-" in refused.value.message


def test_a_spend_is_refused_for_the_windows_after_its_block_as_well() -> None:
    own = budget()
    later = [spend(week, own.default_rho) for week in range(1, 5)]
    with pytest.raises(BudgetExceeded):
        admit(later, spend(0, own.default_rho * 2), own)
    admit(later, spend(-5, own.default_rho * 2), own)


def test_other_people_have_their_own_budget() -> None:
    own = budget()
    assert admit([spend(0, own.cap, people="staff")], spend(0, own.cap), own).rho == own.cap


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40)), max_size=25))
def test_whatever_is_admitted_no_window_passes_the_cap(wanted: list[tuple[int, int]]) -> None:
    own = budget()
    held: list[Spend] = []
    for week, part in wanted:
        new = spend(week, own.cap * part / 60)
        try:
            admit(held, new, own)
        except BudgetExceeded:
            continue
        held.append(new)
    windows = [spent(held, own, until=MONDAY + week * WEEK) for week in range(1, 16)]
    assert all(window.rho <= own.cap for window in windows)


def test_a_plan_that_runs_dry_inside_its_window_is_refused_with_the_figures() -> None:
    own = budget()
    check_plan(own, {"loans": own.default_rho})
    with pytest.raises(BudgetExceeded) as refused:
        check_plan(own, {"loans": own.default_rho, "cards": own.default_rho / 2})
    assert refused.value.details["lasts_blocks"] == 3
    assert "3 of 5 blocks" in refused.value.message


def test_a_window_shorter_than_its_block_is_no_budget() -> None:
    with pytest.raises(BadInput):
        budget(per=DAY)


def test_ledger_rows_of_one_entry_count_once() -> None:
    row = {"id": "a", "people": "customers", "block_from": MONDAY, "block_to": MONDAY + WEEK, "rho": "1/100"}
    spends = spends_of([{**row, "state": "charged"}, {**row, "state": "released"}, {**row, "id": "b"}])
    assert sum(one.rho for one in spends) == Fraction(1, 50)


@pytest.mark.parametrize(("weeks", "status", "step"), [(2, "within", 0.0), (3, "within", 0.5), (4, "outside", 0.8)])
def test_the_result_warns_from_80_per_cent(weeks: int, status: str, step: float) -> None:
    own = budget()
    spends = [spend(week, own.default_rho) for week in range(weeks)]
    subject = Subject("loans", "1", "*", None, MONDAY, MONDAY + weeks * WEEK)
    result = privacy_result(subject, budget=own, spends=spends)
    assert (result.status, result.details["step"]) == (status, step)
    assert result.value == pytest.approx(weeks / 5)
    assert result.details["epsilon_spent"] < 3


def test_an_entry_over_several_blocks_counts_in_each() -> None:
    own = budget()
    long = Spend("customers", MONDAY, MONDAY + 2 * WEEK, own.cap / 2)
    with pytest.raises(BudgetExceeded):
        admit([long], spend(1, own.cap), own)
