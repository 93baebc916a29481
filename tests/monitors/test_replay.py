"""Other limits over stored history: which alerts would have been hidden, and which added."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from monitors.replay import Replay, episodes, replay
from store.model_file import AlertWatch
from store.result import Result, from_row, table_of

START, DAY = datetime(2026, 10, 1), timedelta(days=1)
PLAIN = AlertWatch()


def results(values: list[float], limit: float, **more: Any) -> list[Result]:
    return [
        Result(
            model="loans", version="3", site=more.get("site", "a"), monitor="drift", measure="psi",
            about=more.get("about", "income"), window_from=START + day * DAY, window_to=START + (day + 1) * DAY,
            value=value, status="outside" if value > limit else "within", limit_op="at_most", limit_value=limit,
            n_current=900, details={"effect": value},
        )
        for day, value in enumerate(values)
    ]  # fmt: skip


def compared(before: list[Result], after: list[Result], watch: AlertWatch = PLAIN) -> Replay:
    return replay(before, after, tiers=(3, 3), watches=(PLAIN, watch))


VALUES = [0.15, 0.02, 0.02, 0.3, 0.3, 0.02, 0.12, 0.02]


def test_a_looser_limit_hides_and_a_stricter_one_adds() -> None:
    found = compared(results(VALUES, 0.1), results(VALUES, 0.2))
    assert (found.stood, len(found.hidden), len(found.added)) == (3, 2, 0)
    assert found.sentence == "Replayed over what was measured since 2026-10-01: would have hidden 2 alerts; 3 stood."
    back = compared(results(VALUES, 0.2), results(VALUES, 0.1))
    assert (len(back.hidden), len(back.added)) == (0, 2)
    assert "would have added 2 alerts; 1 stood" in back.sentence
    assert [one.start for one in back.added] == [START, START + 6 * DAY]
    assert back.added[0].as_json()["about"] == "income"


def test_one_hidden_and_one_added_are_told_together() -> None:
    before = results([0.15], 0.1) + results([0.15], 0.2, about="age")
    after = results([0.15], 0.2) + results([0.15], 0.1, about="age")
    assert "hidden 1 alert and added 1 alert" in compared(before, after).sentence


def test_persistence_hides_what_lasts_one_window() -> None:
    values = [0.15, 0.02, 0.02, 0.15, 0.15, 0.02, 0.02, 0.15, 0.02, 0.02, 0.3]
    found = compared(results(values, 0.1), results(values, 0.1), AlertWatch(persistence=(2, 3)))
    # The fourth is told a window later; the last is far beyond its limit and does not wait.
    assert [one.start for one in found.hidden] == [START, START + 7 * DAY] and found.stood == 4 and not found.added


def test_the_same_limits_change_nothing_and_no_history_says_so() -> None:
    same = compared(results(VALUES, 0.1), results(VALUES, 0.1))
    assert same.sentence.endswith("the same 3 alerts would have stood.")
    assert compared([], []).sentence == "There is no stored history to replay it over."


def test_all_sites_merged_are_quiet_where_a_site_fires() -> None:
    both = results([0.3, 0.3], 0.1) + results([0.3, 0.3], 0.1, site="*")
    assert [one.key[2] for one in episodes(both, tier=3, watch=PLAIN)] == ["a"]
    assert [one.key[2] for one in episodes(both[2:], tier=3, watch=PLAIN)] == ["*"]


def test_stored_rows_come_back_as_results() -> None:
    held = results(VALUES, 0.1)
    assert [from_row(row) for row in table_of(held).to_pylist()] == held
