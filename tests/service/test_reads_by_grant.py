"""Reads filter by grant in the query: one site's people see that site, and what is merged is nobody's alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from world import FIRST, NOW, OWNER, hub_in_memory, populate, row, rows_of, take, viewer_with, write_csv

from service.commands.monitoring import monitor
from service.wiring import Hub
from store.access import ROLES, Grant, Permission
from store.reads import Reads

SITES = (("cloud", "rows"), ("second", "rows"))
READS: dict[str, Callable[[Reads], list[dict[str, Any]]]] = {
    "sites": lambda reads: reads.sites(),
    "results": lambda reads: reads.results(),
    "history": lambda reads: reads.results(history=True),
    "latest": lambda reads: reads.results(latest=True),
    "alerts": lambda reads: reads.alerts(),
    "receipts": lambda reads: reads.receipts(),
    "quarantine": lambda reads: reads.quarantine(),
    "coverage": lambda reads: reads.coverage("loan", "1", FIRST, NOW),
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("grants")
    made = populate(hub_in_memory(), sites=SITES)
    for at, (site, _) in enumerate(SITES):
        unfair = [{**found, "approved": int(found["sex"] == "M")} for found in rows_of(400 * at, 400 * at + 200)]
        take(made, write_csv(folder / f"{site}.csv", [*unfair, row(9000 + at, at="soon")]), site=site)
    monitor(made, OWNER)
    yield made
    made.close()


@pytest.mark.parametrize("name", sorted(READS))
def test_a_grant_on_one_site_shows_that_site_and_nothing_merged(hub: Hub, name: str) -> None:
    whole = {found["site"] for found in READS[name](hub.store.reads(OWNER))}
    assert whole >= {"cloud", "second"}
    mine = {found["site"] for found in READS[name](hub.store.reads(viewer_with(Grant("admin", site="second"))))}
    assert mine == {"second"}


def test_merged_results_are_there_and_for_those_who_see_all(hub: Hub) -> None:
    assert "*" in {found["site"] for found in hub.store.reads(OWNER).results()}
    assert "*" in {found["site"] for found in hub.store.reads(viewer_with(Grant("auditor"))).results()}
    both = viewer_with(Grant("data", site="cloud"), Grant("data", site="second"))
    assert {found["site"] for found in hub.store.reads(both).results()} == {"cloud", "second"}


def test_a_thing_by_its_id_is_as_hidden_as_in_the_list(hub: Hub) -> None:
    theirs, mine = hub.store.reads(OWNER), hub.store.reads(viewer_with(Grant("data", site="second")))
    alert = next(found for found in theirs.alerts() if found["site"] == "cloud")
    result = next(found for found in theirs.results() if found["site"] == "cloud")
    assert theirs.alert(alert["id"]) and mine.alert(alert["id"]) is None
    assert theirs.result(result["id"]) and mine.result(result["id"]) is None
    assert mine.site("cloud") is None and mine.site("second") is not None
    for sibling in (mine.alert(mine.alerts()[0]["id"]) or {})["siblings"]:
        assert sibling["site"] == "second"


def test_rows_and_counts_are_filtered_too(hub: Hub) -> None:
    spec = hub.store.reads(OWNER).spec("loan", "1")
    assert spec is not None
    mine = hub.store.reads(viewer_with(Grant("data", site="second")))
    for section in spec.widths:
        assert {blocks.site for blocks in mine.summary_blocks("loan", "1", spec, section)} <= {"second"}
    whole = hub.store.reads(OWNER)
    shape = whole.shapes("loan", "1")[-1]
    everything = whole.window_rows("loan", "1", shape, FIRST, NOW).num_rows
    assert everything == 400
    assert mine.window_rows("loan", "1", shape, FIRST, NOW).num_rows == 200
    assert mine.window_rows("loan", "1", shape, FIRST, NOW, site="cloud").num_rows == 0


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_without_the_permission_sees_nothing(hub: Hub, role: str) -> None:
    reads = hub.store.reads(viewer_with(Grant(role)))
    told = {
        Permission.SITE_READ: (reads.sites(), reads.receipts()),
        Permission.MODEL_READ: (reads.models(), reads.results(), reads.alerts(), reads.cases()),
        Permission.QUARANTINE_READ: (reads.quarantine(),),
        Permission.AUDIT_READ: (reads.events(),),
    }
    for permission, lists in told.items():
        assert [bool(found) for found in lists] == [permission in ROLES[role]] * len(lists)
    assert reads.users() == []


def test_a_name_in_a_grant_is_no_sql(hub: Hub) -> None:
    sly = viewer_with(Grant("admin", site="x' OR '1'='1"))
    assert hub.store.reads(sly).sites() == [] and hub.store.reads(sly).results() == []
