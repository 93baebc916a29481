"""Evidently's own report from a hub: on rows, on a seeded sample of many, and drawn from counts where rows stayed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from world import FIRST, OWNER, hub_on_disk, populate, rows_of, take, viewer_with, write_csv

import service.commands.evidently
from service import runtime
from service.bundles import bundle_text
from service.commands.evidently import evidently_report
from service.commands.ingest import ingest
from service.scheduler import Scheduler
from service.summarising import summarise
from service.wiring import Hub, open_hub
from store.errors import BadInput

pytest.importorskip("evidently", reason="comes with the extra `hub`")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with a reference, rows of one site and counts of another."""
    folder = tmp_path_factory.mktemp("evidently")
    hub = populate(hub_on_disk(folder / "hub"), sites=(("cloud", "rows"), ("branch", "counts"), ("empty", "rows")))
    take(hub, write_csv(folder / "reference.csv", rows_of(0, 400)), kind="reference")
    take(hub, write_csv(folder / "cloud.csv", rows_of(0, 200)))
    reads = hub.store.reads(OWNER)
    file, spec = reads.model_file("loan", "1"), reads.spec("loan", "1")
    assert file is not None and spec is not None
    own = [{**told, "income": 90 + n % 9} for n, told in enumerate(rows_of(0, 120))]
    rows = write_csv(folder / "branch.csv", own)
    made = summarise(hub, OWNER, [rows], file=file, spec=spec, site="branch", sharing="counts")
    (folder / "bundle.json").write_text(bundle_text(made))
    done = ingest(hub, OWNER, paths=[folder / "bundle.json"], site="branch", model="loan", kind="summaries")
    assert not done["errors"]
    hub.close()
    return folder / "hub"


@pytest.fixture
def hub(kept: Path, tmp_path: Path) -> Iterator[Hub]:
    shutil.copytree(kept, tmp_path / "hub")
    made = open_hub(tmp_path / "hub", environ={})
    yield made
    made.close()


def report(hub: Hub, output: Path, **options: Any) -> dict[str, Any]:
    moment = FIRST + timedelta(days=1)
    return evidently_report(hub, OWNER, model="loan", window=moment, output=output, **options)


def test_rows_beyond_the_most_are_sampled_the_same_each_time(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.commands.evidently, "MOST_ROWS", 30)
    given = []

    def run(spool: Path, compared: Any, note: str, output: Path) -> dict[str, Any]:
        given.append(compared)
        return {}

    monkeypatch.setattr(service.commands.evidently, "_run_apart", run)
    made = [report(hub, tmp_path / "out.html", site="cloud") for _ in range(2)]
    assert made[0]["rows"] == {"reference": 30, "current": 30} and made[0]["of"] == {"reference": 400, "current": 40}
    assert made[0]["basis"] == "rows" and "sample" in made[0]["note"]
    assert given[0].current.equals(given[1].current) and given[0].reference.equals(given[1].reference)


def test_where_rows_stayed_the_report_is_on_representative_rows_and_says_so(hub: Hub, tmp_path: Path) -> None:
    made = report(hub, tmp_path / "out.html", site="branch")
    assert made["basis"] == "representative" and made["rows"]["current"] == 40
    assert made["columns"]["income"]["drifted"]
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "representative rows drawn from counts" in page.split("<body", 1)[1][:800]
    assert "representative rows drawn from counts" in made["note"]


def test_a_window_without_rows_or_counts_is_refused(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the window of loan:1 has 0 rows"):
        report(hub, tmp_path / "out.html", site="empty")


def test_what_a_page_asks_for_is_written_by_the_worker_for_that_viewer_alone(hub: Hub) -> None:
    asked = {"model": "loan", "version": "1", "window": FIRST + timedelta(days=1), "site": "branch"}
    runtime.ask_evidently(OWNER, asked)
    scheduler = Scheduler(hub)
    scheduler._evidently()
    told = runtime.evidently(OWNER)
    assert told["state"] == "done" and b"representative rows" in told["html"] and "counts" in told["note"]
    assert runtime.evidently(viewer_with(name="another")) == {"state": "none"}
    assert not list((hub.folder / "spool").glob("*/evidently.html"))
    runtime.ask_evidently(OWNER, {**asked, "site": "empty"})
    scheduler._evidently()
    assert "has 0 rows" in runtime.evidently(OWNER)["told"]
