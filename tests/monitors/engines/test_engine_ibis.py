"""The Ibis engine on DuckDB: the conformance suite, and that importing the house does not import Ibis."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conformance import Conformance

ibis = pytest.importorskip("ibis", reason="comes with the extra `spark`")

from test_engine_duckdb import load  # noqa: E402 - after the skip

from monitors.engines import ibis as engine  # noqa: E402 - the same

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # Ibis asks DuckDB the old way


class TestIbis(Conformance):
    engine = engine

    def load(self, rows: Sequence[dict[str, Any]], types: dict[str, str] | None = None) -> tuple[Any, str]:
        connection, relation = load(rows, types)
        return ibis.duckdb.from_connection(connection), relation


def test_counting_with_duckdb_does_not_import_ibis() -> None:
    script = (
        "import sys, service.commands.summaries, monitors.engines.duckdb; print({'ibis', 'pyspark'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[3], check=True
    )
    assert ran.stdout.strip() == "set()"
