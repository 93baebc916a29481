"""`results --explain` and `alerts show` on a hub: every result has an answer that agrees with the alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from world import NOW, OWNER, hub_in_memory, populate, row, rows_of, take, write_csv

from service.commands.alerts import mute_alert
from service.commands.monitoring import monitor
from service.explaining import explained, explained_alert
from service.wiring import Hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """Ten days of rows whose income has moved; purpose has not."""
    made = populate(hub_in_memory())
    take(made, write_csv(tmp_path / "reference.csv", rows_of(0, 400)), kind="reference")
    take(made, write_csv(tmp_path / "moved.csv", [row(n, income=n % 7) for n in range(400)]))
    monitor(made, OWNER)
    yield made
    made.close()


def answers(hub: Hub, *, about: str, monitor: str | None = None) -> list[str]:
    reads = hub.store.reads(OWNER)
    rows = reads.result_table(latest=True, about=about, monitor=monitor).to_pylist()
    return [" ".join(told) for told in explained(reads, rows)]


def test_every_result_has_an_answer_that_agrees_with_the_alerts(hub: Hub) -> None:
    reads = hub.store.reads(OWNER)
    rows = reads.result_table(latest=True).to_pylist()
    names = ("site", "segment", "monitor", "about", "measure")
    standing = {tuple(a[n] for n in names) for a in reads.alerts() if a["condition"] in ("firing", "pending")}
    assert standing
    for found, told in zip(rows, explained(reads, rows), strict=True):
        assert told[0].startswith("Alert alert_") == (tuple(found[n] for n in names) in standing), told


def test_a_moved_column_and_a_quiet_one(hub: Hub) -> None:
    [moved] = [told for told in answers(hub, about="income", monitor="drift") if "channel" not in told]
    assert "beyond its limit" in moved and "tests of its day" in moved and "so it stands" in moved
    [quiet] = [told for told in answers(hub, about="purpose", monitor="drift") if "channel" not in told]
    assert quiet.startswith("No alert of purpose at cloud.")


def test_a_muted_alert_says_by_whom_until_when_and_why(hub: Hub) -> None:
    reads = hub.store.reads(OWNER)
    alert = next(a for a in reads.alerts() if a["about"] == "income" and a["segment"] is None)
    mute_alert(hub, OWNER, id=alert["id"], until=NOW + timedelta(days=2), reason="feed is being moved")
    assert any(
        "muted it until 2026-11-04" in told and "feed is being moved" in told for told in answers(hub, about="income")
    )
    held = hub.store.reads(OWNER).alert(alert["id"])
    assert held is not None
    told = " ".join(explained_alert(hub.store.reads(OWNER), held))
    assert "Its severity is" in told and "muted it until" in told and "It ends with a window of at most" in told
