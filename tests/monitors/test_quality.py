"""Missing and unseen values from counts, exact and noisy."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from monitors.quality import quality_results
from monitors.subject import Subject
from monitors.volume import volume_result
from store.bins import QUANTUM, BinSpec, CategoryBins, NumberBins, Section
from store.model_file import Columns, Input, ModelFile, QualityWatch, Watch
from store.result import Result

SUBJECT = Subject("loans", "3", "cloud-eu", None, datetime(2026, 10, 1), datetime(2026, 10, 2))
SPEC = BinSpec(
    task="binary",
    inputs=(NumberBins("income", (0.0, 10.0, 20.0), 0.0, 20.0), CategoryBins("purpose", ("car", "home"))),
)
MODEL = ModelFile(
    name="loans",
    version="3",
    columns=Columns(inputs=(Input(name="income"), Input(name="purpose"))),
    watch=Watch(quality=QualityWatch(missing=0.05, unseen=0.01, source="policy")),
)


def quality(income: list[int], purpose: list[int], variance: float = 0.0) -> dict[tuple[str | None, str], Result]:
    """income: missing, non_finite, below, two bins, above. purpose: missing, car, home, other."""
    counts = np.array([*income, 0, 0, 0, 0, *purpose], dtype=np.int64)
    assert len(counts) == SPEC.widths[Section.INPUTS]
    results = quality_results(SUBJECT, model=MODEL, spec=SPEC, inputs=counts, variance=variance)
    return {(result.about, result.measure): result for result in results}


def test_every_input_has_its_rates() -> None:
    found = quality([10, 5, 1, 500, 480, 4], [0, 600, 395, 5])
    assert set(found) == {("income", "missing_rate"), ("purpose", "missing_rate"), ("purpose", "unseen_rate")}
    income = found["income", "missing_rate"]
    assert income.value == pytest.approx(0.015) and income.n_current == 1000
    assert income.details["missing"] == 10 and income.details["non_finite"] == 5
    assert income.details["share_above_range"] == pytest.approx(4 / 985)
    assert found["purpose", "unseen_rate"].value == pytest.approx(0.005)
    assert {result.status for result in found.values()} == {"within"}
    assert income.limit_source == "policy"


@pytest.mark.parametrize(("missing", "status"), [(40, "within"), (55, "unclear"), (80, "outside")])
def test_outside_needs_the_lower_bound_beyond_the_limit(missing: int, status: str) -> None:
    assert quality([missing, 0, 0, 1000 - missing, 0, 0], [0, 500, 500, 0])["income", "missing_rate"].status == status


def test_a_column_that_never_came_is_one_result() -> None:
    found = quality([300, 0, 0, 0, 0, 0], [0, 150, 150, 0])
    result = found["income", "missing_rate"]
    assert (result.value, result.status, result.details["absent"]) == (1.0, "outside", True)


def test_a_category_that_never_came_has_no_unseen_rate() -> None:
    found = quality([0, 0, 0, 300, 0, 0], [300, 0, 0, 0])
    assert found["purpose", "unseen_rate"].status == "too_few"
    assert found["purpose", "missing_rate"].status == "outside"


def test_few_rows_can_only_tell_what_is_plain() -> None:
    assert quality([0, 0, 0, 20, 0, 0], [0, 20, 0, 0])["income", "missing_rate"].status == "too_few"
    assert quality([20, 0, 0, 0, 0, 0], [0, 20, 0, 0])["income", "missing_rate"].status == "outside"
    empty = quality([0] * 6, [0] * 4)["income", "missing_rate"]
    assert empty.status == "too_few" and empty.value is None and empty.details["reason"] == "no rows in this window"


def test_noise_widens_the_interval_and_moves_no_verdict_by_itself() -> None:
    exact = quality([70, 0, 0, 930, 0, 0], [0, 500, 500, 0])["income", "missing_rate"]
    noisy = quality([70, 0, 0, 930, 0, 0], [0, 500, 500, 0], variance=400.0)["income", "missing_rate"]
    assert exact.status == "outside" and noisy.status == "unclear"
    assert noisy.interval_high - noisy.interval_low > exact.interval_high - exact.interval_low  # type: ignore[operator]
    assert (exact.method["basis"], noisy.method["basis"]) == ("counts", "noisy")
    assert exact.noise is None and noisy.noise is not None and noisy.noise["scale"] == 20


def test_rows_no_more_than_their_noise_say_nothing() -> None:
    result = quality([-20, 5, 30, 40, -10, 3], [0, 20, 20, 0], variance=400.0)["income", "missing_rate"]
    assert result.status == "too_few" and result.value is None


def test_negative_noisy_counts_are_clipped_for_display_only() -> None:
    result = quality([-30, -4, 0, 2000, 2000, 0], [0, 2000, 2000, -9], variance=400.0)["income", "missing_rate"]
    assert (result.value, result.details["missing"], result.status) == (0.0, 0, "within")


def unseen(reference: list[int], current: list[int], values: tuple[str, ...] = ()) -> Result:
    """The unseen rate of purpose against a reference: missing, car, home, other on both sides."""
    model = replace(MODEL, columns=Columns(inputs=(Input(name="income"), Input(name="purpose", values=values))))
    income = [0, 0, 0, 1000, 0, 0, 0, 0, 0, 0]
    before, after = (np.array([*income, *purpose], dtype=np.int64) for purpose in (reference, current))
    results = quality_results(SUBJECT, model=model, spec=SPEC, inputs=after, reference=before)
    return next(result for result in results if result.measure == "unseen_rate")


def test_what_the_reference_holds_too_is_not_unseen() -> None:
    usual = unseen([0, 500, 300, 200], [0, 510, 290, 200])
    assert (usual.status, usual.limit_value) == ("within", pytest.approx(0.21))
    assert "0.2 of the reference" in str(usual.limit_source)
    assert unseen([0, 500, 300, 200], [0, 400, 200, 400]).status == "outside"


def test_declared_values_are_all_there_are() -> None:
    judged = unseen([0, 500, 300, 200], [0, 510, 290, 200], values=("car", "home"))
    assert (judged.status, judged.limit_value) == ("outside", 0.01)


def test_out_of_range_is_watched_where_it_is_asked_for() -> None:
    watched = replace(MODEL, watch=Watch(quality=QualityWatch(out_of_range=0.01, source="policy")))
    for above, status in ((5, "within"), (60, "outside")):
        counts = np.array([0, 0, 0, 600, 400, above, 0, 0, 0, 0, 0, 500, 500, 0], dtype=np.int64)
        found = {(r.about, r.measure): r for r in quality_results(SUBJECT, model=watched, spec=SPEC, inputs=counts)}
        assert found["income", "out_of_range_rate"].status == status
        assert ("purpose", "out_of_range_rate") not in found


def test_a_constant_column_is_told() -> None:
    q = QUANTUM // 2
    sums = [100 * q, 100 * (q * q >> 20), 100 * (q * q & (QUANTUM - 1))]
    for moments, constant in ((sums, True), ([sums[0], sums[1] + 1, sums[2]], None)):
        counts = np.array([0, 0, 0, 100, 0, 0, 0, *moments, 0, 100, 0, 0], dtype=np.int64)
        found = {r.about: r for r in quality_results(SUBJECT, model=MODEL, spec=SPEC, inputs=counts)}
        assert found["income"].details.get("constant") is constant
        assert found["purpose"].details["constant"] is True


@pytest.mark.parametrize(
    ("rows", "earlier", "status"),
    [
        (95, [100] * 5, "within"), (20, [100] * 5, "outside"), (45, [100] * 5, "unclear"), (0, [100] * 5, "outside"),
        (300, [100] * 5, "within"), (20, [100, 0, 0, 100], "too_few"), (20, [], "too_few"),
    ],
)  # fmt: skip
def test_volume_against_the_usual(rows: int, earlier: list[int], status: str) -> None:
    found = volume_result(SUBJECT, watch=QualityWatch(volume=0.5), rows=rows, earlier=earlier)
    assert found is not None and found.status == status and found.details["rows"] == rows
    assert volume_result(SUBJECT, watch=QualityWatch(), rows=rows, earlier=earlier) is None
