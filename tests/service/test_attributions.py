"""Contributions: counted once, at the time of their prediction, by rows and by bundles alike."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world import FIRST, OWNER, hub_in_memory, hub_on_disk, populate, rows_of, take, viewer_with, write_csv

from service.bundles import bundle_text
from service.commands.ingest import ingest
from service.commands.inspection import verify_audit
from service.commands.quarantine import retry_quarantine
from service.summarising import summarise
from service.wiring import Hub
from store.access import Grant
from store.attribution import QUANTA, Contributed, contributed
from store.errors import BadInput, NotPermitted, Refused


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = populate(hub_in_memory(), sites=(("cloud", "rows"), ("branch", "counts"), ("south", "noisy-counts")))
    yield made
    made.close()


def shap(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def told(start: int, stop: int, **other: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"r{n:05d}", "income": (-1) ** n * 0.5, "purpose": 0.25 * (n % 2), **other} for n in range(start, stop)
    ]


def sums(hub: Hub, **filters: Any) -> dict[str, Contributed]:
    return contributed(hub.store.reads(OWNER).attributions("loan", "1", **filters).to_pylist())


def test_a_contribution_belongs_to_the_time_of_its_prediction(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "rows.csv", rows_of(0, 80)))
    receipt = take(hub, shap(tmp_path / "shap.csv", told(0, 80)), kind="attributions")
    assert (receipt["rows"], receipt["kept"], receipt["kind"]) == (80, 80, "attributions")
    second = sums(hub, start=FIRST + timedelta(days=1), end=FIRST + timedelta(days=2))
    assert second == {"income": Contributed(40, 20 * QUANTA), "purpose": Contributed(40, 5 * QUANTA)}
    assert second["income"].mean_abs == 0.5
    assert sums(hub)["income"].n == 80


def test_each_is_counted_once(hub: Hub, tmp_path: Path) -> None:
    at = (FIRST + timedelta(hours=1)).isoformat() + "Z"
    take(hub, shap(tmp_path / "one.csv", told(0, 10, at=at)), kind="attributions")
    again = take(hub, shap(tmp_path / "one.csv", told(0, 10, at=at)), kind="attributions")
    assert again["repeated"] is True
    more = take(hub, shap(tmp_path / "two.csv", told(5, 15, at=at)), kind="attributions")
    assert (more["kept"], more["duplicates"]) == (5, 5)
    other = [{**row, "income": 9} for row in told(0, 2, at=at)]
    third = take(hub, shap(tmp_path / "three.csv", other), kind="attributions")
    assert (third["kept"], third["reasons"]) == (0, {"conflict": 2})
    assert sums(hub)["income"] == Contributed(15, 15 * QUANTA // 2)


def test_what_is_not_told_is_not_counted(hub: Hub, tmp_path: Path) -> None:
    table = pa.table({"id": ["a", "b", "c", "d"], "income": [1.0, float("nan"), None, float("inf")], "noise": [1] * 4})
    pq.write_table(table, tmp_path / "shap.parquet")
    receipt = take(hub, tmp_path / "shap.parquet", kind="attributions")
    assert (receipt["kept"], receipt["reasons"], receipt["ignored"]) == (3, {"range:income": 1}, {"noise": 4})
    assert sums(hub) == {"income": Contributed(1, QUANTA)}


def test_a_file_of_other_columns_is_refused(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="none of the columns"):
        take(hub, shap(tmp_path / "x.csv", [{"id": "a", "shap_income": 1}]), kind="attributions")


def test_the_reference_is_replaced_by_a_new_delivery(hub: Hub, tmp_path: Path) -> None:
    one = shap(tmp_path / "one.csv", [{"income": 2, "purpose": -1}, {"income": 4, "purpose": 0}])
    two = shap(tmp_path / "two.csv", [{"income": 6, "purpose": 1}])
    done = ingest(hub, OWNER, paths=[one, two], site="cloud", model="loan", kind="reference-attributions")
    assert [r["kept"] for r in done["receipts"]] == [2, 1]
    held = hub.store.reads(OWNER).reference_attributions("loan", "1")
    assert held == {"income": Contributed(3, 12 * QUANTA), "purpose": Contributed(3, 2 * QUANTA)}
    take(hub, shap(tmp_path / "three.csv", [{"income": 1, "purpose": 1}]), kind="reference-attributions")
    assert hub.store.reads(OWNER).reference_attributions("loan", "1")["income"] == Contributed(1, QUANTA)
    assert sums(hub) == {}
    site_only = viewer_with(Grant("site-token", "cloud", "*"))
    with pytest.raises(NotPermitted):
        ingest(hub, site_only, paths=[one], site="cloud", model="loan", kind="reference-attributions")


def test_a_site_that_shares_no_rows_sends_no_contributions(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(NotPermitted, match="nothing was stored"):
        take(hub, shap(tmp_path / "x.csv", told(0, 1)), kind="attributions", site="branch")


def test_the_trail_holds_them(hub: Hub, tmp_path: Path) -> None:
    take(hub, shap(tmp_path / "x.csv", told(0, 3)), kind="attributions")
    take(hub, shap(tmp_path / "y.csv", told(0, 3)), kind="reference-attributions")
    assert verify_audit(hub, OWNER, data=True)["holds"]
    hub.store.cursor().execute("UPDATE attributions_1_1 SET x0 = 7 WHERE id = 'r00001'")
    assert "stored rows were changed" in [flaw["what"] for flaw in verify_audit(hub, OWNER, data=True)["flaws"]]


# -- bundles ------------------------------------------------------------------------------------------------------


def bundle(hub: Hub, folder: Path, *, sharing: str = "counts", site: str = "branch") -> dict[str, Any]:
    take(hub, write_csv(folder / "first.csv", rows_of(0, 40)))
    reads = hub.store.reads(OWNER)
    file, spec = reads.model_file("loan", "1"), reads.spec("loan", "1")
    assert file is not None and spec is not None
    rows = write_csv(folder / "branch.csv", rows_of(40, 80))
    values = shap(folder / "shap.csv", told(40, 80))
    return summarise(hub, OWNER, [rows], attributions=[values], file=file, spec=spec, site=site, sharing=sharing)


def send(hub: Hub, folder: Path, document: dict[str, Any]) -> dict[str, Any]:
    path = folder / "bundle.json"
    path.write_text(bundle_text(document))
    receipt: dict[str, Any] = ingest(hub, OWNER, paths=[path], site="branch", kind="summaries")["receipts"][0]
    return receipt


def test_a_bundle_brings_the_same_sums(hub: Hub, tmp_path: Path) -> None:
    made = bundle(hub, tmp_path)
    assert "0.5" not in json.dumps(made["attributions"])
    send(hub, tmp_path, made)
    assert sums(hub, site="branch") == {"income": Contributed(40, 20 * QUANTA), "purpose": Contributed(40, 5 * QUANTA)}
    assert sums(hub, start=FIRST + timedelta(days=1), end=FIRST + timedelta(days=2)) == sums(hub, site="branch")
    with pytest.raises(Refused, match="an earlier bundle"):
        send(hub, tmp_path, {**made, "sources": [], "rows": 40})


@pytest.mark.parametrize(
    "change",
    [
        {"input": "shoe_size"},
        {"grain": "month"},
        {"n": -1},
        {"n": 0},
        {"n": "many"},
        {"sum_abs": "-1"},
        {"sum_abs": "9" * 38},
        {"sum_abs": "much"},
        {"block": "then"},
    ],
)
def test_sums_that_cannot_be_are_refused_whole(hub: Hub, tmp_path: Path, change: dict[str, Any]) -> None:
    made = bundle(hub, tmp_path)
    made["attributions"][0] |= change
    before = hub.store.reads(OWNER).seq
    with pytest.raises(BadInput):
        send(hub, tmp_path, made)
    assert hub.store.reads(OWNER).seq == before and sums(hub) == {}


def test_contributions_are_not_released_with_noise(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not released with noise"):
        bundle(hub, tmp_path, sharing="noisy-counts", site="south")


@pytest.mark.parametrize("ending", [".parquet", ".arrow"])
def test_a_row_of_a_table_can_be_tried_again(tmp_path: Path, ending: str) -> None:
    """The row stands in quarantine as JSON; it is read again as such, and refused for the same reason."""
    hub = populate(hub_on_disk(tmp_path / "hub"))
    table, path = pa.table({"id": ["a", "b"], "income": [float("inf"), 1.0]}), tmp_path / f"shap{ending}"
    if ending == ".parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    assert take(hub, path, kind="attributions")["reasons"] == {"range:income": 1}
    (held,) = hub.store.reads(OWNER).quarantine()
    again = retry_quarantine(hub, OWNER, id=held["id"])
    assert (again["kept"], again["receipts"][0]["reasons"]) == (0, {"range:income": 1})
    hub.close()
