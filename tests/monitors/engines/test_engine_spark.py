"""The Ibis engine on Spark itself, in local mode: the conformance suite on one session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import count as counter
from typing import Any

import pytest
from conformance import Conformance
from spark_session import local_session

ibis = pytest.importorskip("ibis", reason="comes with the extra `spark`")
pytest.importorskip("pyspark", reason="comes with the extra `spark`")
if shutil.which("java") is None:
    pytest.skip("Spark needs Java (make test installs it where it may)", allow_module_level=True)

from monitors.engines import ibis as engine  # noqa: E402 - after the skips

pytestmark = [
    pytest.mark.long,  # a query takes Spark a second, however few the rows
    pytest.mark.filterwarnings("ignore"),  # Spark's and Ibis' own warnings are not ours to mend
]
SPARK = {
    "TIMESTAMP": "timestamp_ntz", "VARCHAR": "string", "INTEGER": "int", "UTINYINT": "smallint", "DECIMAL(9,3)":
    "decimal(9,3)",
}  # fmt: skip
TYPES = {"event_time": "TIMESTAMP", "score": "DOUBLE", "weight": "BIGINT", "prediction": "VARCHAR", "label": "VARCHAR"}
NAMES = counter()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    session = local_session(tmp_path_factory.mktemp("spark"))
    yield ibis.pyspark.from_connection(session)
    session.stop()


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind.startswith("DECIMAL"):
        return Decimal(str(value))
    return float(value) if kind in ("DOUBLE", "FLOAT") else value


class TestSpark(Conformance):
    engine = engine

    @pytest.fixture(autouse=True)
    def _on_spark(self, spark: Any) -> None:
        self.spark = spark

    def load(self, rows: Sequence[dict[str, Any]], types: dict[str, str] | None = None) -> tuple[Any, str]:
        names = dict.fromkeys(["event_time", *(name for row in rows for name in row), *(types or {})])

        def kind(name: str) -> str:
            number = any(isinstance(row.get(name), (int, float)) for row in rows)
            return {**TYPES, **(types or {})}.get(name, "DOUBLE" if number else "VARCHAR")

        kinds = {name: kind(name) for name in names}
        schema = ", ".join(f"`{name}` {SPARK.get(of, of.lower())}" for name, of in kinds.items())
        values = [tuple(_value(row.get(name), of) for name, of in kinds.items()) for row in rows]
        relation = f"rows_{next(NAMES)}"
        self.spark._session.createDataFrame(values, schema).createOrReplaceTempView(relation)
        return self.spark, relation
