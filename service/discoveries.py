"""The family of tests that a day's drifts belong to: those of this run, and those that stand from earlier runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from importlib.resources import files

from monitors.discovery import Discovery, Standing, benjamini_hochberg, day_of, p_of, p_value, with_discoveries
from store.model_file import ModelFile
from store.reads import Reads
from store.result import Result, Status

_TESTS = files("store").joinpath("sql", "day_tests.sql").read_text()
_DAY = timedelta(days=1)


def discovered(reads: Reads, file: ModelFile, results: Sequence[Result]) -> list[Result]:
    """Results with what the tests of their days make of those that are outside."""
    days = {day_of(r.window_to) for r in results if r.status == Status.OUTSIDE and p_of(r) is not None}
    rate = file.watch.alerts.false_discovery_rate
    standing = _standing(reads, file.name, file.version, days, seq=reads.seq) if days else ()
    return with_discoveries(results, rate=rate, standing=standing)


def family_of(reads: Reads, file: ModelFile, window_to: datetime, *, seq: int) -> Discovery:
    """The tests of the day of a window as they stood at seq, and how many of them stand at the rate of the file."""
    found = [p for _, _, p in _standing(reads, file.name, file.version, {day_of(window_to)}, seq=seq)]
    return benjamini_hochberg(found, file.watch.alerts.false_discovery_rate)


def _standing(reads: Reads, model: str, version: str, days: Iterable[date], *, seq: int) -> Standing:
    held = set(days)
    first, last = (datetime.combine(day, datetime.min.time()) for day in (min(held), max(held)))
    rows = reads.rows(_TESTS, {"seq": seq, "model": model, "version": version, "from": first, "to": last + _DAY})
    found = []
    for row in rows:
        day = day_of(row["window_to"])
        details = {"p_value": row["p_value"], "chi_square": row["chi_square"], "degrees": row["degrees"]}
        p = p_value(row["monitor"], row["measure"], row["value"], details, row["n_current"])
        if p is not None and day in held:
            key = (row["site"], row["segment"], row["monitor"], row["about"], row["measure"], row["window_to"])
            found.append((key, day, p))
    return found
