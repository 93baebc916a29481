"""The demo's four sites: each writes its own folder beside the hub and sends what it may send, in its own way.

The folders stand beside the hub, not in it: what is told about rows that stayed can be looked at.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from service.bundles import bundle_text
from service.commands.ingest import ingest
from service.commands.sites import add_site
from service.demo.data import (
    CLOUD,
    DAYS,
    FIRST_DAY,
    KIOSK,
    LABEL_DELAY,
    MODEL,
    NORTH,
    SOUTH,
    Plan,
    decisions,
    reference,
)
from service.known import known_model
from service.summarising import summarise
from service.wiring import Hub
from store.access import Viewer
from store.errors import BadInput

HEAD_OFFICE = "head-office"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SITES: tuple[dict[str, Any], ...] = (
    {"name": CLOUD.site, "title": "Cloud, Europe", "kind": "cloud", "region": "eu-west-1", "contact_window": 6 * HOUR},
    {"name": NORTH.site, "title": "Branch North", "kind": "branch", "sharing": "counts", "contact_window": DAY},
    {
        "name": SOUTH.site,
        "title": "Branch South",
        "kind": "branch",
        "sharing": "noisy-counts",
        "contact_window": 8 * DAY,
    },
    {"name": KIOSK.site, "title": "Kiosk at the harbour", "kind": "edge", "contact_window": 6 * HOUR},
)


def folder_beside(hub_dir: Path) -> Path:
    """Where the sites' own data stands."""
    return hub_dir.parent / f"{hub_dir.name}-sites"


def clear(sites: Path) -> None:
    """Takes away what an earlier demo wrote there; refuses a folder that holds anything else."""
    if not sites.exists():
        return
    strange = {entry.name for entry in sites.iterdir()} - {HEAD_OFFICE, *(site["name"] for site in SITES)}
    if strange:
        raise BadInput(
            f"{sites} holds {sorted(strange)[0]}, which the demo did not write",
            advice="Name another folder with --hub: the demo puts its sites' data into the folder beside it.",
        )
    shutil.rmtree(sites)


def register(hub: Hub, owner: Viewer) -> None:
    for site in SITES:
        add_site(hub, owner, jurisdiction="EU", **site)


def send_everything(hub: Hub, owner: Viewer, sites: Path, *, progress: Callable[[str], None]) -> None:
    """The reference, then sixty days of each site."""
    progress("Writing the reference and counting it")
    _ingest(hub, owner, CLOUD.site, _write(sites / HEAD_OFFICE / "reference.parquet", reference()), kind="reference")
    progress(f"{CLOUD.site} sends its rows")
    _cloud(hub, owner, sites / CLOUD.site)
    progress(f"{NORTH.site} counts beside its rows and sends the counts")
    _north(hub, owner, sites / NORTH.site)
    progress(f"{SOUTH.site} adds noise to its counts before it sends them")
    _south(hub, owner, sites / SOUTH.site)
    progress(f"{KIOSK.site} sends bursts, some of them late, and falls silent")
    _kiosk(hub, owner, sites / KIOSK.site)


def _cloud(hub: Hub, owner: Viewer, folder: Path) -> None:
    for first, last in _stretches(10):
        table = _stretch(CLOUD, first, last)
        path = _write(folder / f"days-{first:02d}-{last:02d}.parquet", table.drop_columns(["repaid", "customer"]))
        _ingest(hub, owner, CLOUD.site, path)
        known = _known(table)
        if known.num_rows:
            outcomes = _outcomes(folder / f"outcomes-{first:02d}-{last:02d}.csv", known)
            _ingest(hub, owner, CLOUD.site, outcomes, kind="labels")


def _north(hub: Hub, owner: Viewer, folder: Path) -> None:
    for first, last in _stretches(20):
        table = _stretch(NORTH, first, last)
        path = _write(folder / f"days-{first:02d}-{last:02d}.parquet", table.drop_columns(["repaid"]))
        known = _known(table)
        labels = [_outcomes(folder / f"outcomes-{first:02d}-{last:02d}.csv", known)] if known.num_rows else []
        bundle = folder / f"counts-{first:02d}-{last:02d}.json"
        _send_counts(hub, owner, NORTH, [path], bundle, sharing="counts", labels=labels)
    train = files("service").joinpath("demo", "train.py").read_text(encoding="utf-8")
    (folder / "train.py").write_text(train, encoding="utf-8")


def _south(hub: Hub, owner: Viewer, folder: Path) -> None:
    path = _write(folder / "decisions.parquet", _stretch(SOUTH, 1, DAYS).drop_columns(["repaid", "customer"]))
    _send_counts(hub, owner, SOUTH, [path], folder / "noisy-counts.json", sharing="noisy-counts")


def _kiosk(hub: Hub, owner: Viewer, folder: Path) -> None:
    """Its second burst arrives last: late rows go to the day they belong to."""
    folder.mkdir(parents=True, exist_ok=True)
    for first, last in ((1, 20), (41, DAYS), (21, 40)):
        path = folder / f"burst-{first:02d}.csv"
        csv.write_csv(_stretch(KIOSK, first, last).drop_columns(["repaid", "customer"]), path)
        _ingest(hub, owner, KIOSK.site, path)


def _send_counts(
    hub: Hub,
    owner: Viewer,
    plan: Plan,
    paths: Sequence[Path],
    bundle: Path,
    *,
    sharing: str,
    labels: Sequence[Path] = (),
) -> None:
    file = known_model(hub, owner, MODEL, None)
    spec = hub.store.reads(owner).spec(file.name, file.version)
    if spec is None:
        raise BadInput("the reference froze no bins", advice="This is a fault of the demo: please report it.")
    made = summarise(hub, owner, paths, labels=labels, file=file, spec=spec, site=plan.site, sharing=sharing)
    bundle.write_text(bundle_text(made), encoding="utf-8")
    _ingest(hub, owner, plan.site, bundle, kind="summaries")


def _ingest(hub: Hub, owner: Viewer, site: str, path: Path, *, kind: str = "predictions") -> None:
    ingest(hub, owner, paths=[path], site=site, model=MODEL, kind=kind)


def _write(path: Path, table: pa.Table) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def _outcomes(path: Path, table: pa.Table) -> Path:
    csv.write_csv(table.select(["prediction_id", "repaid"]), path)
    return path


def _stretches(length: int) -> list[tuple[int, int]]:
    return [(first, min(first + length - 1, DAYS)) for first in range(1, DAYS + 1, length)]


def _stretch(plan: Plan, first: int, last: int) -> pa.Table:
    days = [decisions(plan, day) for day in range(first, last + 1)]
    return pa.concat_tables([day for day in days if day.num_rows])


def _known(table: pa.Table) -> pa.Table:
    """The rows whose outcome is known by now."""
    end = pa.scalar(FIRST_DAY + (DAYS - LABEL_DELAY) * DAY, pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    return table.filter(pc.less(table.column("event_time"), end))
