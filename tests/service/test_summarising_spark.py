"""The bundle that Spark makes is the one that DuckDB makes, on the same Parquet files; what it cannot take is told."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world import NOW, OWNER, hub_in_memory, label, populate, row

from service.commands.models import export_model
from service.commands.summaries import write_bundle
from service.summarising import summarise
from service.wiring import Hub
from store.errors import BadInput, Refused

pytest.importorskip("ibis", reason="comes with the extra `spark`")
pytest.importorskip("pyspark", reason="comes with the extra `spark`")
pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java (make test installs it where it may)"),
    pytest.mark.filterwarnings("ignore"),  # Spark's and Ibis' own warnings are not ours to mend
]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]")
    folder = str(tmp_path_factory.mktemp("spark"))
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": folder,
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = populate(hub_in_memory(), sites=(("branch", "counts"), ("south", "noisy-counts")))
    export_model(made, OWNER, name="loan")
    yield made
    made.close()


def whole(start: int, stop: int) -> list[dict[str, Any]]:
    """Rows with times that Parquet has as times, and the label of every other one."""
    out = []
    for n in range(start, stop):
        told = row(n)
        told["at"] = datetime.fromisoformat(told["at"])
        out.append({**told, "income": float(told["income"]), "repaid": label(n)["repaid"] if n % 2 else None})
    return out


def parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def bundle(hub: Hub, paths: list[Path], engine: str, **options: Any) -> dict[str, Any]:
    reads = hub.store.reads(OWNER)
    file, spec = reads.model_file("loan", "1"), reads.spec("loan", "1")
    assert file is not None and spec is not None
    given = {"site": "branch", "sharing": "counts", "clock_skew": timedelta(minutes=5), **options}
    return summarise(hub, OWNER, paths, file=file, spec=spec, engine=engine, **given)


def hostile(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    odd = [math.nan, math.inf, -math.inf, None, -0.0, 0.0, 100.0, 1e300, 2.0**53 + 2]
    for at, value in enumerate(odd):
        rows[at]["income"] = value
        rows[at + 20]["probability"] = value
    for at, text in enumerate(["", None, "1.0", "True", "e\u0301", "(other)", "it's", "ol\u00e9"]):
        rows[at + 40]["purpose"] = rows[at + 41]["sex"] = rows[at + 43]["channel"] = text
    rows[60]["id"], rows[61]["at"], rows[62]["id"] = None, None, ""
    rows[63]["at"] = NOW.replace(tzinfo=UTC) + timedelta(days=1)
    for at in range(70, 80):  # within the last week: blocks are hours
        rows[at]["at"] = NOW.replace(tzinfo=UTC) - timedelta(hours=at)
    return rows


def test_the_same_bundle_integer_for_integer(hub: Hub, tmp_path: Path, spark: Any) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    rows = hostile(whole(0, 400))
    parquet(folder / "a.parquet", [*rows[:250], *rows[100:110]])
    parquet(folder / "b.parquet", [*rows[250:], *rows[5:7]])
    shutil.copy(folder / "b.parquet", folder / "c.parquet")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")  # a cluster's own; it is left as it was
    theirs, ours = (bundle(hub, [folder], engine) for engine in ("duckdb", "spark"))
    assert {block["section"] for block in ours["blocks"]} == {"inputs", "outputs", "outcomes", "labelled"}
    assert {block["grain"] for block in ours["blocks"]} == {"hour", "day"}
    assert ours == theirs
    assert (ours["quarantined"], ours["duplicates"]) == (4, 12)
    assert spark.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    assert [found.name for found in spark.catalog.listTables()] == []


def refused(hub: Hub, path: Path, **options: Any) -> str:
    with pytest.raises((BadInput, Refused)) as caught:
        bundle(hub, [path], "spark", **options)
    assert "engine" in caught.value.advice
    return caught.value.message


def test_what_spark_cannot_take_is_refused_with_advice(hub: Hub, tmp_path: Path, spark: Any) -> None:
    rows = whole(0, 40)
    (tmp_path / "rows.csv").write_text("id,income\n1,2\n")
    assert "no Parquet file" in refused(hub, tmp_path / "rows.csv")
    inputs = [{name: told[name] for name in ("id", "at", "income", "purpose", "sex", "channel")} for told in rows]
    half = parquet(tmp_path / "half.parquet", inputs)
    assert "one half" in refused(hub, half)
    text = parquet(tmp_path / "text.parquet", [{**told, "income": str(told["income"])} for told in rows])
    assert "income is string" in refused(hub, text)
    twice = parquet(tmp_path / "twice.parquet", [*rows, {**rows[3], "income": 99.0}])
    assert "under the same id" in refused(hub, twice)
    good = parquet(tmp_path / "good.parquet", rows)
    assert "noisy" in refused(hub, good, site="south", sharing="noisy-counts")
    assert "labels" in refused(hub, good, labels=[good])
    broken = tmp_path / "mixed"
    broken.mkdir()
    parquet(broken / "a.parquet", rows)
    parquet(broken / "b.parquet", [{**told, "probability": "high"} for told in rows])
    assert "other columns or types" in refused(hub, broken)


def test_another_format_is_refused_before_anything_is_read(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Parquet files, not csv"):
        write_bundle(hub, OWNER, paths=[tmp_path], output=tmp_path / "out.json", site="branch", model="loan",
                     format="csv", engine="spark")  # fmt: skip
