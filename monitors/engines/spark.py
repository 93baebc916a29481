"""Rows of Parquet files as a table in Spark, under the names and types that engines count; the one file that meets it.

Promises: a row is set aside for the same reasons as in the hub's own reading (no id, no time, a time ahead), and rows
told twice count once; nothing but numbers comes back. Refuses what it cannot read as the hub would: numbers and times
that come as text, categories that are fractions, rows that contradict each other under one id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.canonical import SPELLINGS, canonical_spelling
from store.errors import BadInput

MOST_SPELLINGS = 10_000
"""Values of one column that need another spelling: they pass through this process."""
EARLIEST, LATEST = "1980-01-01", "2200-01-01"
USE_DUCKDB = "Leave --engine out: duckdb settles such rows one by one."


@dataclass(frozen=True, slots=True)
class Declared:
    """A column of the table: x0, id, event_time ..."""

    name: str
    column: str
    """As the files call it."""
    kind: str
    """`number`, `text` or `time`."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one file held; without a reason, the rows that were well read."""

    file: str
    reason: str | None
    rows: int
    first: datetime | None
    last: datetime | None


@contextmanager
def rows_in_spark(
    files: Sequence[str], columns: Sequence[Declared], *, received_at: datetime, latest: datetime | None
) -> Iterator[tuple[Any, str, list[Told], int]]:
    """(session, name of the table, what the files held, rows in the table). The session is the one that is there (a
    cluster's own), else one on this machine; it is left as it was found."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    found = SparkSession.getActiveSession()
    session: Any = found or SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()
    zone = session.conf.get("spark.sql.session.timeZone")
    session.conf.set("spark.sql.session.timeZone", "UTC")
    kept = None
    try:
        read = _read(session, files, columns, received_at, latest)
        told = _told(read)
        kept = _once(read, [of.name for of in columns if of.name != "event_time"]).persist()
        rows = kept.count()
        _refuse_contradictions(kept, rows, columns)
        kept.createOrReplaceTempView("bailiwick_rows")
        yield session, "bailiwick_rows", told, rows
    except (PySparkException, Py4JJavaError) as error:
        lines = str(error).strip().splitlines() or ["no message"]
        raise BadInput(f"Spark cannot count these files: {lines[0]}", advice=USE_DUCKDB) from error
    finally:
        session.catalog.dropTempView("bailiwick_rows")
        if kept is not None:
            kept.unpersist()
        session.conf.set("spark.sql.session.timeZone", zone)
        if found is None:
            session.stop()


def _read(
    session: Any, files: Sequence[str], columns: Sequence[Declared], received_at: datetime, latest: datetime | None
) -> Any:
    """Every row with its file and, in `reason`, why it is set aside."""
    from pyspark.sql import functions as f

    raw = session.read.parquet(*files)
    kinds = dict(raw.dtypes)
    chosen = [_typed(f, of, kinds[of.column]).alias(of.name) for of in columns]
    read = raw.select(*chosen, f.col("_metadata.file_path").alias("file"))
    for of in columns:
        if of.kind == "text":
            read = _spelled(f, read, of, kinds[of.column])
    names = {of.name for of in columns}
    reason = f.lit(None).cast("string")
    if "event_time" in names:
        at = f.col("event_time")
        plausible = (at >= f.lit(EARLIEST).cast("timestamp_ntz")) & (at < f.lit(LATEST).cast("timestamp_ntz"))
        ahead = f.lit(False) if latest is None else at > f.lit(latest.isoformat(sep=" ")).cast("timestamp_ntz")
        reason = f.when(at.isNull() | ~plausible, "time").when(ahead, "future")
    else:
        read = read.withColumn("event_time", f.lit(received_at.isoformat(sep=" ")).cast("timestamp_ntz"))
    if "id" in names:
        nameless = f.col("id").isNull() | (f.col("id") == "")
        reason = f.when(nameless, "no_id").otherwise(reason)
    return read.withColumn("reason", reason)


def _typed(f: Any, of: Declared, kind: str) -> Any:
    value = f.col("`" + of.column.replace("`", "``") + "`")
    numeric = kind in ("tinyint", "smallint", "int", "bigint", "float", "double") or kind.startswith("decimal")
    if of.kind == "number" and (numeric or kind == "boolean"):
        return (value.cast("int") if kind == "boolean" else value).cast("double")
    if of.kind == "time" and kind in ("timestamp", "timestamp_ntz", "date"):
        return value.cast("timestamp_ntz")
    if of.kind == "text" and kind in ("float", "double"):
        whole = (f.abs(value) <= float(1 << 53)) & (value == f.floor(value))
        return f.when(f.isnan(value), None).when(whole, value.cast("bigint").cast("string")).otherwise(f.lit("0.5"))
    if of.kind == "text" and (kind in ("string", "boolean") or (numeric and not kind.startswith("decimal"))):
        return value.cast("string")
    raise BadInput(
        f"column {of.column} is {kind} in these files, and is read as a {of.kind}",
        advice=f"{USE_DUCKDB} Or write the column as a {of.kind}.",
        details={"column": of.column, "found": kind, "expected": of.kind},
    )


def _spelled(f: Any, read: Any, of: Declared, kind: str) -> Any:
    """Text under its canonical spelling (store/canonical.py); what needs none is left to Spark."""
    value = f.col(of.name)
    if kind in ("float", "double"):
        if read.filter(value == "0.5").limit(1).count():
            raise BadInput(f"column {of.column} holds fractions where categories are read", advice=USE_DUCKDB)
        return read
    if kind != "string":
        return read
    odd = value.contains(".0") | value.rlike("[^\\x00-\\x7F]") | value.isin(list(SPELLINGS))
    found = read.filter(odd).select(of.name).distinct().limit(MOST_SPELLINGS + 1).collect()
    if len(found) > MOST_SPELLINGS:
        raise BadInput(f"column {of.column} has more than {MOST_SPELLINGS:,} odd spellings", advice=USE_DUCKDB)
    others = {text: canonical_spelling(text) for (text,) in found if canonical_spelling(text) != text}
    return read.replace(others, subset=[of.name]) if others else read


def _told(read: Any) -> list[Told]:
    from pyspark.sql import functions as f

    ends = (f.min("event_time").alias("first"), f.max("event_time").alias("last"))
    found = read.groupBy("file", "reason").agg(f.count("*").alias("rows"), *ends).collect()
    return [Told(row["file"], row["reason"], row["rows"], row["first"], row["last"]) for row in found]


def _once(read: Any, names: Sequence[str]) -> Any:
    """The rows that were well read; what is told twice under one id is there once."""
    good = read.filter("reason IS NULL").drop("reason", "file")
    return good.distinct() if "id" in names else good


def _refuse_contradictions(kept: Any, rows: int, columns: Sequence[Declared]) -> None:
    if "id" not in {of.name for of in columns}:
        return
    ids = kept.select("id").distinct().count()
    if ids < rows:
        raise BadInput(
            f"{rows - ids:,} rows say something else than another row under the same id",
            advice=USE_DUCKDB,
            details={"rows": rows, "ids": ids},
        )
