"""Monitoring: what is due is judged once, late data opens its windows again, silence is never green."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from world import (
    FIRST,
    MODEL,
    NOW,
    OWNER,
    hub_in_memory,
    label,
    populate,
    row,
    rows_of,
    take,
    viewer_with,
    write_csv,
)

from service.bundles import bundle_text
from service.commands.alerts import mute_alert, snooze_alert
from service.commands.ingest import ingest
from service.commands.models import add_model, export_model
from service.commands.monitoring import monitor
from service.summarising import summarise
from service.wiring import Hub
from store.access import Grant
from store.errors import BadInput, NotPermitted, UnknownName


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """Ten days of rows; women are approved half as often as men."""
    made = populate(hub_in_memory())
    take(made, write_csv(tmp_path / "first.csv", unfair(0, 400)))
    yield made
    made.close()


def unfair(first: int, last: int) -> list[dict[str, Any]]:
    return [row(n, approved=int(n % 2 == 1 or n % 4 == 0)) for n in range(first, last)]


def judged(hub: Hub, **filters: Any) -> list[tuple[str, str]]:
    """(window's end, monitor) of every result of windows recorded by the newest run."""
    reads = hub.store.reads(OWNER)
    found = reads.results(history=True, **filters)
    newest = max(result["seq"] for result in found)
    return sorted(
        {(r["window"]["to"], r["monitor"]) for r in found if r["seq"] == newest and r["monitor"] != "silence"}
    )


def ends(hub: Hub) -> set[str]:
    return {end for end, _ in judged(hub)}


def test_what_is_outside_opens_one_alert(hub: Hub) -> None:
    done = monitor(hub, OWNER)
    assert done["statuses"]["outside"] >= 1
    reads = hub.store.reads(OWNER)
    alerts = [alert for alert in reads.alerts() if alert["monitor"] == "fairness" and alert["segment"] is None]
    assert [(alert["about"], alert["measure"], alert["condition"]) for alert in alerts] == [
        ("sex", "selection_rate_ratio", "firing")
    ]
    held = reads.alert(alerts[0]["id"])
    assert held is not None and held["result_document"]["status"] == "outside"
    assert held["result_document"]["limit"] == {"op": "at_least", "value": 0.8, "source": "policy"}
    monitor(hub, OWNER)
    assert [alert["id"] for alert in hub.store.reads(OWNER).alerts()] == [alert["id"] for alert in reads.alerts()]


def test_unchanged_data_is_judged_once(hub: Hub) -> None:
    monitor(hub, OWNER)
    assert len(ends(hub)) == 10
    again = monitor(hub, OWNER)
    assert again["results"] == 0


def test_late_data_opens_its_own_windows_again_and_no_others(hub: Hub, tmp_path: Path) -> None:
    monitor(hub, OWNER)
    late = FIRST + timedelta(days=3, hours=23)
    take(hub, write_csv(tmp_path / "late.csv", [row(9000, at=late.isoformat())]))
    monitor(hub, OWNER)
    assert ends(hub) == {(FIRST + timedelta(days=4)).isoformat() + "Z"}
    both = hub.store.reads(OWNER).results(window=late, monitor="fairness", site="cloud", history=True)
    assert len({result["seq"] for result in both}) == 2
    assert len(hub.store.reads(OWNER).results(window=late, monitor="fairness", about="sex", site="cloud")) < len(both)


def test_a_run_with_one_new_day_judges_that_day_alone(hub: Hub, tmp_path: Path) -> None:
    first = monitor(hub, OWNER)["results"]
    take(hub, write_csv(tmp_path / "next.csv", unfair(400, 440)))
    second = monitor(hub, OWNER)["results"]
    assert ends(hub) == {(FIRST + timedelta(days=11)).isoformat() + "Z"}
    assert second < first / 5
    assert monitor(hub, OWNER)["results"] == 0


def test_labels_open_the_windows_of_their_rows(hub: Hub, tmp_path: Path) -> None:
    monitor(hub, OWNER)
    take(hub, write_csv(tmp_path / "labels.csv", [label(n) for n in range(40, 80)]), kind="labels")
    monitor(hub, OWNER)
    assert min(ends(hub)) == (FIRST + timedelta(days=2)).isoformat() + "Z"
    assert ("2026-10-07T00:00:00Z", "performance") in judged(hub)


def test_a_window_is_due_when_it_is_over(tmp_path: Path) -> None:
    moment = [FIRST + timedelta(days=1, hours=23)]
    hub = populate(hub_in_memory())
    object.__setattr__(hub, "now", lambda: moment[0])
    hub.store.now = lambda: moment[0]
    take(hub, write_csv(tmp_path / "a.csv", unfair(0, 80)))
    monitor(hub, OWNER)
    assert ends(hub) == {(FIRST + timedelta(days=1)).isoformat() + "Z"}
    moment[0] += timedelta(hours=1)
    monitor(hub, OWNER)
    assert ends(hub) == {(FIRST + timedelta(days=2)).isoformat() + "Z"}
    hub.close()


def test_from_and_to_bound_what_is_judged(hub: Hub) -> None:
    monitor(hub, OWNER, start=FIRST + timedelta(days=2), end=FIRST + timedelta(days=4))
    assert ends(hub) == {(FIRST + timedelta(days=at)).isoformat() + "Z" for at in (3, 4)}


def test_a_dry_run_writes_nothing_and_tells_the_same(hub: Hub) -> None:
    before = {name: count(hub, name) for name in ("audit_leaf", "result", "alert_version", "bin_spec")}
    dry = monitor(hub, OWNER, dry_run=True)
    assert {name: count(hub, name) for name in before} == before
    wet = monitor(hub, OWNER)
    assert (dry["results"], dry["statuses"]) == (wet["results"], wet["statuses"]) and dry["alerts"] == []


def test_a_dry_run_after_a_moved_limit_says_what_it_would_hide(hub: Hub) -> None:
    monitor(hub, OWNER)
    moved = MODEL.replace("at_least: 0.8,", "at_least: 0.1,")
    add_model(hub, OWNER, text=moved, source="loan.yaml", reason="to see")
    replay = monitor(hub, OWNER, dry_run=True)["runs"][0]["replay"]
    assert replay["would_hide"] >= 1 and replay["would_add"] == 0


def test_limits_are_tried_on_stored_history_before_they_stand(hub: Hub) -> None:
    monitor(hub, OWNER)
    before = {name: count(hub, name) for name in ("audit_leaf", "result", "alert_version", "model_version")}
    looser = MODEL.replace("at_least: 0.8,", "at_least: 0.1,")
    [run] = monitor(hub, OWNER, dry_run=True, limits=looser)["runs"]
    assert {name: count(hub, name) for name in before} == before
    assert run["replay"]["would_hide"] == len(run["replay"]["hidden"]) >= 1
    assert any(one["about"] == "sex" for one in run["replay"]["hidden"])
    [same] = monitor(hub, OWNER, dry_run=True, limits=MODEL)["runs"]
    assert (same["replay"]["would_hide"], same["replay"]["would_add"]) == (0, 0) and same["replay"]["stood"] >= 1
    for wrong, told in (
        ({"limits": looser}, "dry run"),
        ({"limits": MODEL.replace("[0, 100]", "[0, 90]"), "dry_run": True}, "columns"),
        ({"limits": MODEL, "dry_run": True, "model": "loan", "version": "2"}, "loan:1"),
    ):
        with pytest.raises(BadInput, match=told):
            monitor(hub, OWNER, **wrong)


def test_a_revision_says_what_it_would_have_done_and_reports_can_repeat_it(hub: Hub) -> None:
    monitor(hub, OWNER)
    moved = MODEL.replace("at_least: 0.8,", "at_least: 0.1,")
    made = add_model(hub, OWNER, text=moved, source="loan.yaml", reason="to see")
    assert made["replay"].startswith("Replayed over what was measured since 2026-10-05: would have hidden")
    [change] = hub.store.reads(OWNER).model_changes("loan", "1")
    assert change["replay"] == made["replay"]
    words = add_model(hub, OWNER, text=moved.replace("title: Loans", "title: Small loans"), source="loan.yaml")
    assert words["replay"] == ""
    columns = moved.replace("title: Loans", "title: Small loans").replace("[0, 100]", "[0, 90]")
    assert add_model(hub, OWNER, text=columns, source="loan.yaml", reason="r")["replay"].startswith("Not replayed")


def test_a_drift_that_the_day_does_not_bear_out_keeps_its_verdict_and_opens_no_alert(tmp_path: Path) -> None:
    hub = populate(
        hub_in_memory(), model=MODEL.replace("watch:\n", "watch:\n  alerts: {false_discovery_rate: 1e-200}\n")
    )
    take(hub, write_csv(tmp_path / "reference.csv", rows_of(0, 400)), kind="reference")
    take(hub, write_csv(tmp_path / "moved.csv", [row(n, income=(n % 7)) for n in range(400)]))
    monitor(hub, OWNER)
    reads = hub.store.reads(OWNER)
    held = [r for r in reads.results(monitor="drift", about="income") if r["status"] == "outside"]
    assert held and not any(r["details"]["discovery"]["stands"] for r in held)
    assert {a["condition"] for a in reads.alerts() if a["about"] == "income" and a["monitor"] == "drift"} <= {"pending"}
    hub.close()


def test_a_snooze_until_the_next_version_ends_when_that_serves(hub: Hub) -> None:
    monitor(hub, OWNER)
    [alert] = [a for a in hub.store.reads(OWNER).alerts() if a["monitor"] == "fairness" and a["segment"] is None]
    made = snooze_alert(hub, OWNER, id=alert["id"], ends="next_version", reason="mended in 2")
    assert (made["triage"], made["snoozed_for"], made["snooze_until"]) == ("snoozed", "next_version", None)
    monitor(hub, OWNER)
    assert triage_of(hub, alert["id"]) == "snoozed"
    add_model(hub, OWNER, text=MODEL.replace('version: "1"', 'version: "2"'), source="loan.yaml")
    monitor(hub, OWNER)
    assert triage_of(hub, alert["id"]) == "to_review"
    with pytest.raises(BadInput, match="cannot end by"):
        snooze_alert(hub, OWNER, id=alert["id"], ends="muted", until=NOW + timedelta(days=1), reason="r")
    assert mute_alert(hub, OWNER, id=alert["id"], until=NOW + timedelta(days=1), reason="r")["snoozed_for"] == "muted"


def triage_of(hub: Hub, id_: str) -> str:
    held = hub.store.reads(OWNER).alert(id_)
    assert held is not None
    return str(held["triage"])


def count(hub: Hub, table: str) -> int:
    return int(hub.store.cursor().execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def test_a_silent_site_is_stale_and_fires(hub: Hub) -> None:
    monitor(hub, OWNER)
    reads = hub.store.reads(OWNER)
    [silent] = reads.results(monitor="silence")
    assert silent["status"] == "stale" and silent["site"] == "cloud"
    assert [alert["condition"] for alert in reads.alerts() if alert["monitor"] == "silence"] == ["firing"]


def test_a_site_that_spoke_in_time_is_not_stale(tmp_path: Path) -> None:
    hub = populate(hub_in_memory())
    take(hub, write_csv(tmp_path / "a.csv", [row(n, at=(NOW - timedelta(hours=n)).isoformat()) for n in range(1, 40)]))
    monitor(hub, OWNER)
    assert [result["status"] for result in hub.store.reads(OWNER).results(monitor="silence")] == ["within"]
    hub.close()


def test_too_few_rows_are_never_green(tmp_path: Path) -> None:
    hub = populate(hub_in_memory(), model=MODEL.replace("at_least: 20, up_to: 7d", "at_least: 5000, up_to: 2d"))
    take(hub, write_csv(tmp_path / "a.csv", unfair(0, 80)))
    take(hub, write_csv(tmp_path / "b.csv", rows_of(0, 60)), kind="reference")
    monitor(hub, OWNER)
    found = hub.store.reads(OWNER).results(monitor="drift")
    assert found and {result["status"] for result in found} == {"too_few"}
    hub.close()


def test_without_a_reference_drift_cannot_be_said(hub: Hub) -> None:
    monitor(hub, OWNER)
    assert {result["status"] for result in hub.store.reads(OWNER).results(monitor="drift")} == {"no_reference"}


def test_a_method_set_that_needs_rows_is_not_computable_from_counts(tmp_path: Path) -> None:
    model = MODEL.replace("  fairness:", "  drift: {method_set: azureml}\n  fairness:")
    hub = populate(hub_in_memory(), model=model, sites=(("cloud", "rows"), ("branch", "counts")))
    take(hub, write_csv(tmp_path / "reference.csv", rows_of(0, 400)), kind="reference")
    path = write_csv(tmp_path / "rows.csv", rows_of(0, 200))
    take(hub, path)
    reads = hub.store.reads(OWNER)
    file, spec = reads.model_file("loan", "1"), reads.spec("loan", "1")
    assert file is not None and spec is not None
    bundle = tmp_path / "bundle.json"
    made = summarise(hub, OWNER, [path], file=file, spec=spec, site="branch", sharing="counts")
    bundle.write_text(bundle_text(made), encoding="utf-8")
    ingest(hub, OWNER, paths=[bundle], site="branch", kind="summaries")
    monitor(hub, OWNER)
    found = hub.store.reads(OWNER)
    assert {r["status"] for r in found.results(monitor="drift", site="branch")} == {"not_computable"}
    assert all(r["value"] is None for r in found.results(monitor="drift", site="branch"))
    by_rows = found.results(monitor="drift", site="cloud")
    assert by_rows and {r["method"]["basis"] for r in by_rows if r["segment"] is None} == {"rows"}
    hub.close()


def test_a_run_over_nothing_says_why(tmp_path: Path) -> None:
    hub = populate(hub_in_memory())
    done = monitor(hub, OWNER)
    assert done["results"] == 0 and done["runs"][0]["why_not"] == "no rows and no counts have come in yet"
    assert count(hub, "result") == 0
    export_model(hub, OWNER, name="loan")
    assert monitor(hub, OWNER)["results"] == 0
    hub.close()


def test_who_may_run_it_and_for_what(hub: Hub) -> None:
    with pytest.raises(NotPermitted):
        monitor(hub, viewer_with(Grant("auditor")))
    with pytest.raises(NotPermitted, match="not for site"):  # all sites merged would be judged from this one alone
        monitor(hub, viewer_with(Grant("data", site="cloud")))
    with pytest.raises(UnknownName):
        monitor(hub, OWNER, model="laon")
    assert datetime(2026, 11, 2, 3) == hub.now()
