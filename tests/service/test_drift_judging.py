"""Drift as the service judges it: labels, contributions, seasons, and measures that need rows."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world import MODEL, OWNER, hub_in_memory, label, populate, row, rows_of, take, write_csv

from service.commands.models import add_model
from service.commands.monitoring import monitor
from service.wiring import Hub
from store.errors import BadInput


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = populate(hub_in_memory(), sites=(("cloud", "rows"), ("branch", "rows")))
    yield made
    made.close()


def found(hub: Hub, monitor_: str, **filters: Any) -> list[dict[str, Any]]:
    return [r for r in hub.store.reads(OWNER).results(monitor=monitor_, **filters) if r["segment"] is None]


def with_watch(hub: Hub, drift: str) -> None:
    text = MODEL.replace("  window:", f"  drift: {drift}\n  window:")
    add_model(hub, OWNER, text=text, source="loan.yaml", reason="tests")


def labelled(first: int, last: int, *, good: int) -> list[dict[str, Any]]:
    return [row(n) | {"repaid": int(n % 10 < good)} for n in range(first, last)]


@pytest.mark.parametrize("columns", [("approved",), ()])
def test_labels_are_compared_with_the_labels_of_the_reference(
    hub: Hub, tmp_path: Path, columns: tuple[str, ...]
) -> None:
    reference = labelled(0, 1000, good=7)
    if not columns:  # training data say the label and no prediction
        reference = [{k: v for k, v in r.items() if k not in ("approved", "probability")} for r in reference]
    take(hub, write_csv(tmp_path / "reference.csv", reference), kind="reference")
    take(hub, write_csv(tmp_path / "rows.csv", [row(n, day=n // 400) for n in range(0, 800)]))
    known = [label(n, value=int(n % 10 < 7)) for n in range(0, 800)]
    take(hub, write_csv(tmp_path / "labels.csv", known), kind="labels")
    monitor(hub, OWNER)
    (first, *_) = results = [r for r in found(hub, "label_drift", site="cloud") if r["status"] != "too_few"]
    assert first["about"] == "repaid" and first["measure"] == "psi" and first["n"]["reference"] == 1000
    assert {r["status"] for r in results} == {"within"}


def test_labels_that_turned_are_outside(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "reference.csv", labelled(0, 1000, good=7)), kind="reference")
    take(hub, write_csv(tmp_path / "rows.csv", rows_of(0, 400)))
    take(hub, write_csv(tmp_path / "labels.csv", [label(n, value=0) for n in range(0, 400)]), kind="labels")
    monitor(hub, OWNER)
    assert {r["status"] for r in found(hub, "label_drift", site="cloud")} == {"outside"}


def test_a_reference_without_labels_has_no_label_drift(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "reference.csv", rows_of(0, 400)), kind="reference")
    take(hub, write_csv(tmp_path / "rows.csv", rows_of(0, 400)))
    take(hub, write_csv(tmp_path / "labels.csv", [label(n) for n in range(0, 400)]), kind="labels")
    monitor(hub, OWNER)
    assert found(hub, "label_drift") == []


def test_a_measure_that_needs_rows_is_judged_from_rows(hub: Hub, tmp_path: Path) -> None:
    with_watch(hub, "{columns: {income: {measure: energy, at_most: 0.3}, purpose: {measure: g}}}")
    take(hub, write_csv(tmp_path / "reference.csv", rows_of(0, 1000)), kind="reference")
    moved = [row(n, income=80 + n % 20) if n >= 200 else row(n) for n in range(0, 400)]
    take(hub, write_csv(tmp_path / "rows.csv", moved))
    monitor(hub, OWNER)
    by_measure = {r["measure"]: r["method"] for r in found(hub, "drift", site="cloud")}
    assert by_measure["energy"]["basis"] == "rows" and by_measure["energy"]["name"] == "bailiwick"
    assert by_measure["g"]["basis"] == "counts"
    income = sorted(
        (r["window"]["to"], r["status"]) for r in found(hub, "drift", site="cloud") if r["about"] == "income"
    )
    assert len(income) == 10 and {status for _, status in income[:5]} == {"within"}
    assert {status for _, status in income[5:]} == {"outside"}


def test_contributions_that_change_their_order(hub: Hub, tmp_path: Path) -> None:
    def shap(path: Path, rows: list[dict[str, Any]]) -> Path:
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    take(hub, write_csv(tmp_path / "rows.csv", rows_of(0, 120)))
    monitor(hub, OWNER)
    assert found(hub, "attribution_drift") == []
    told = [{"id": f"r{n:05d}", "income": 0.9, "purpose": 0.1} for n in range(0, 40)]
    told += [{"id": f"r{n:05d}", "income": 0.1, "purpose": -0.9} for n in range(40, 80)]
    take(hub, shap(tmp_path / "shap.csv", told), kind="attributions")
    monitor(hub, OWNER)
    assert {r["status"] for r in found(hub, "attribution_drift", site="cloud")} == {"no_reference"}
    reference = [{"income": 1.0, "purpose": 0.1} for _ in range(300)]
    take(hub, shap(tmp_path / "reference.csv", reference), kind="reference-attributions")
    monitor(hub, OWNER)
    results = sorted(found(hub, "attribution_drift", site="cloud"), key=lambda r: r["window"]["to"])
    assert [(r["measure"], r["status"]) for r in results] == [("ndcg", "within"), ("ndcg", "outside")]
    assert results[0]["value"] == 1.0 and results[1]["n"]["current"] == 40


def weekly(n: int) -> dict[str, Any]:
    """Weekends are another world: what is new on a Saturday is old of Saturdays."""
    found_ = row(n)
    return found_ | {"income": 90 + n % 10} if (n // 40) % 7 >= 5 else found_


def test_a_season_compares_saturdays_with_saturdays(hub: Hub, tmp_path: Path) -> None:
    with_watch(hub, "{season: week}")
    take(hub, write_csv(tmp_path / "rows.csv", [weekly(n) for n in range(0, 40 * 21)]))
    monitor(hub, OWNER)
    income = sorted(
        (r["window"]["to"], r["status"], r["details"].get("weeks"))
        for r in found(hub, "drift", site="cloud")
        if r["about"] == "income"
    )
    assert {status for _, status, _ in income[:7]} == {"no_reference"}
    assert not {status for _, status, _ in income[7:]} & {"outside", "unclear", "no_reference"}
    assert {weeks for _, _, weeks in income[7:14]} == {1} and {weeks for _, _, weeks in income[14:]} == {2}


def test_without_a_season_weekends_are_outside(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "reference.csv", rows_of(0, 1000)), kind="reference")
    take(hub, write_csv(tmp_path / "rows.csv", [weekly(n) for n in range(0, 40 * 7)]))
    monitor(hub, OWNER)
    income = sorted(
        (r["window"]["to"], r["status"]) for r in found(hub, "drift", site="cloud") if r["about"] == "income"
    )
    assert [status for _, status in income][5:] == ["outside"] * 2
    assert "outside" not in [status for _, status in income][:5]


def test_a_season_is_of_our_own_rules_alone(hub: Hub) -> None:
    with pytest.raises(BadInput, match="method set"):
        with_watch(hub, "{season: week, method_set: azureml}")
    with pytest.raises(BadInput, match="week"):
        with_watch(hub, "{season: weak}")
    with pytest.raises(BadInput, match="wasserstein"):
        with_watch(hub, "{columns: {income: {measure: wassersten}}}")


def crowd(site: str, *, moved: bool) -> list[dict[str, Any]]:
    """Two days of 400 rows at one site."""
    rows = [row(n, day=n // 400, id=f"{site}{n}") for n in range(0, 800)]
    return [r | {"income": 90 + n % 10} if moved and n >= 400 else r for n, r in enumerate(rows)]


@pytest.mark.parametrize(
    ("moved", "verdict"), [((), "none"), (("branch",), "local"), (("cloud", "branch"), "fleet-wide")]
)
def test_the_verdict_over_sites_stands_on_the_merged_result(
    hub: Hub, tmp_path: Path, moved: tuple[str, ...], verdict: str
) -> None:
    take(hub, write_csv(tmp_path / "reference.csv", rows_of(0, 1000)), kind="reference")
    for site in ("cloud", "branch"):
        path = write_csv(tmp_path / f"{site}.csv", crowd(site, moved=site in moved))
        take(hub, path, site=site)
    monitor(hub, OWNER)
    income = sorted(
        (r for r in found(hub, "drift", site="*") if r["about"] == "income"), key=lambda r: str(r["window"]["to"])
    )
    assert [r["details"]["verdict"] for r in income] == ["none", verdict]
    assert [site["site"] for site in income[1]["details"].get("sites", [])] == sorted(moved)
    outside = [
        r for r in found(hub, "drift") if r["status"] == "outside" and r["site"] != "*" and r["about"] == "income"
    ]
    assert {r["site"] for r in outside} == set(moved)
    assert {r["details"]["fleet"] for r in outside} <= {income[1]["details"]["verdict_in_words"]}
    if moved:
        alert = next(a for a in hub.store.reads(OWNER).alerts() if a["about"] == "income" and a["site"] in moved)
        assert income[1]["details"]["verdict_in_words"] in str(hub.store.reads(OWNER).alert(alert["id"]))


@pytest.mark.parametrize("borrow", [False, True])
def test_a_site_without_a_reference_may_borrow_the_pool(hub: Hub, tmp_path: Path, borrow: bool) -> None:
    if borrow:
        with_watch(hub, "{borrow: pool}")
    for site in ("cloud", "branch"):
        take(hub, write_csv(tmp_path / f"{site}.csv", crowd(site, moved=site == "branch")), site=site)
    monitor(hub, OWNER)
    income = {r["window"]["to"]: r for r in found(hub, "drift", site="branch") if r["about"] == "income"}
    said = [income[to]["status"] for to in sorted(income)]
    if not borrow:
        assert said == ["no_reference"] * 2
        return
    assert said == ["within", "outside"]
    assert {r["details"]["reference"] for r in income.values()} == {"borrowed: the pool of 1 other site"}


def test_a_day_of_few_rows_is_told_where_volume_is_watched(hub: Hub, tmp_path: Path) -> None:
    text = MODEL.replace("unseen: 0.01}", "unseen: 0.01, volume: 0.5, out_of_range: 0.02}")
    add_model(hub, OWNER, text=text, source="loan.yaml", reason="tests")
    rows = [row(n) for n in range(0, 40 * 8)] + [row(n, day=8) for n in range(320, 330)]
    take(hub, write_csv(tmp_path / "rows.csv", rows))
    monitor(hub, OWNER)
    told = sorted(
        (r["window"]["to"], r["status"], r["n"]["current"])
        for r in found(hub, "quality", site="cloud")
        if r["measure"] == "volume_ratio"
    )
    assert [status for _, status, _ in told] == ["too_few"] * 3 + ["within"] * 5 + ["outside"]
    assert told[-1][2] == 10, "the day as it stands, not as it grew"
    assert "out_of_range_rate" in {r["measure"] for r in found(hub, "quality", site="cloud")}
