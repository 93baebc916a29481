"""Builds the demo: a hub, four sites' data beside it, and everything that happened there, through the same commands.

Nothing is put into the hub by a back door: rows are ingested, counts are summarised at their site and sent, the
monitors judge, people decide. The sites' own folders stand beside the hub, not in it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from service.bundles import bundle_text
from service.commands.alerts import acknowledge_alert
from service.commands.hubs import init_hub
from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.monitoring import monitor
from service.commands.reports import build_report
from service.commands.retraining import request_retraining
from service.commands.sites import add_site
from service.commands.users import set_user
from service.demo.data import (
    CLOCK,
    CLOUD,
    DAYS,
    FIRST_DAY,
    KIOSK,
    LABEL_DELAY,
    NORTH,
    SOUTH,
    Plan,
    decisions,
    reference,
)
from service.ingest import known_model
from service.summarising import summarise
from service.wiring import Hub, local_viewer, open_hub
from store.access import Grant, Viewer

MODEL = "loan-approval"
PASSWORD = "only-for-the-demo"
USERS = (("anna", "data", "asks for a retraining"), ("ben", "compliance", "approves it, reads reports"))
Progress = Callable[[str], None]
STEPS = 10


@dataclass(frozen=True)
class Built:
    """What the tour needs to know of a finished demo."""

    hub: Hub
    report: dict[str, Any]
    request: dict[str, Any]
    sites: Path
    """The folder with each site's own data, beside the hub."""


def settings(sites: Path) -> str:
    return f"""# The demo's settings. The clock is pinned, so that the story is the same on every day.
[hub]
org = "Harbour Credit"
clock = "{CLOCK.isoformat()}Z"

# One budget for the persons, over all models and sites that draw on them.
[people.customers]
epsilon = "3"
delta = "1e-6"
per = "30d"
block = "7d"

# Where an approved retraining runs: beside the branch's rows, outside the hub.
[executors.branch-north]
kind = "local"
folder = "{(sites / "branch-north").as_posix()}"
"""


def build(path: Path, *, progress: Progress) -> Built:
    """Makes the demo's hub in a folder that holds none yet; progress is told each step in words."""
    path = path.resolve()
    sites = path.parent / f"{path.name}-sites"
    shutil.rmtree(sites, ignore_errors=True)
    progress("Making the hub, four sites and the model")
    init_hub(path, settings=settings(sites))
    hub, owner = open_hub(path), local_viewer()
    _people_and_sites(hub, owner)
    model = files("service").joinpath("demo", "loan-approval.yaml").read_text(encoding="utf-8")
    add_model(hub, owner, text=model, source="loan-approval.yaml")
    progress("Writing the reference and counting it")
    _ingest(hub, owner, CLOUD.site, _write(sites / "head-office" / "reference.parquet", reference()), kind="reference")
    progress("cloud-eu sends its rows")
    _cloud(hub, owner, sites)
    progress("branch-north counts beside its rows and sends the counts")
    _north(hub, owner, sites)
    progress("branch-south adds noise to its counts before it sends them")
    _south(hub, owner, sites)
    progress("edge-kiosk sends bursts, some of them late, and falls silent")
    _kiosk(hub, owner, sites)
    progress("Measuring sixty days at every site")
    monitor(hub, owner)
    progress("Anna reads the alerts and asks for a retraining")
    request = _decide(hub)
    progress("Writing the report")
    report = build_report(
        hub, owner, pack="general", model=MODEL, start=FIRST_DAY, end=FIRST_DAY + timedelta(days=DAYS), format="pdf"
    )
    return Built(hub, report, request, sites)


def _people_and_sites(hub: Hub, owner: Viewer) -> None:
    for name, role, _ in USERS:
        set_user(hub, owner, name=name, password=PASSWORD, grants=[Grant(role)])
    day = timedelta(days=1)
    add_site(
        hub,
        owner,
        name=CLOUD.site,
        title="Cloud, Europe",
        kind="cloud",
        region="eu-west-1",
        jurisdiction="EU",
        contact_window=timedelta(hours=6),
    )
    add_site(
        hub,
        owner,
        name=NORTH.site,
        title="Branch North",
        kind="branch",
        jurisdiction="EU",
        sharing="counts",
        contact_window=day,
    )
    add_site(
        hub,
        owner,
        name=SOUTH.site,
        title="Branch South",
        kind="branch",
        jurisdiction="EU",
        sharing="noisy-counts",
        contact_window=8 * day,
    )
    add_site(
        hub,
        owner,
        name=KIOSK.site,
        title="Kiosk at the harbour",
        kind="edge",
        jurisdiction="EU",
        contact_window=timedelta(hours=6),
    )


def _write(path: Path, table: pa.Table) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def _ingest(hub: Hub, owner: Viewer, site: str, path: Path, *, kind: str = "predictions") -> None:
    ingest(hub, owner, paths=[path], site=site, model=MODEL, kind=kind)


def _stretch(plan: Plan, first: int, last: int) -> pa.Table:
    days = [decisions(plan, day) for day in range(first, last + 1)]
    return pa.concat_tables([day for day in days if day.num_rows])


def _stretches(length: int) -> list[tuple[int, int]]:
    return [(first, min(first + length - 1, DAYS)) for first in range(1, DAYS + 1, length)]


def _labels(path: Path, table: pa.Table) -> Path:
    csv.write_csv(table.select(["prediction_id", "repaid"]), path)
    return path


def _known(table: pa.Table, last_day: int) -> pa.Table:
    """The rows whose outcome is known by now."""
    end = pa.scalar(FIRST_DAY + timedelta(days=last_day), pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    return table.filter(pc.less(table.column("event_time"), end))


def _cloud(hub: Hub, owner: Viewer, sites: Path) -> None:
    folder = sites / CLOUD.site
    for first, last in _stretches(10):
        table = _stretch(CLOUD, first, last)
        path = _write(folder / f"days-{first:02d}-{last:02d}.parquet", table.drop_columns(["repaid", "customer"]))
        _ingest(hub, owner, CLOUD.site, path)
        known = _known(table, DAYS - LABEL_DELAY)
        if known.num_rows:
            _ingest(
                hub, owner, CLOUD.site, _labels(folder / f"outcomes-{first:02d}-{last:02d}.csv", known), kind="labels"
            )


def _summarised(
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
    assert spec is not None  # noqa: S101  # the reference froze it
    made = summarise(hub, owner, paths, labels=labels, file=file, spec=spec, site=plan.site, sharing=sharing)
    bundle.write_text(bundle_text(made), encoding="utf-8")
    _ingest(hub, owner, plan.site, bundle, kind="summaries")


def _north(hub: Hub, owner: Viewer, sites: Path) -> None:
    folder = sites / NORTH.site
    for first, last in _stretches(20):
        table = _stretch(NORTH, first, last)
        path = _write(folder / f"days-{first:02d}-{last:02d}.parquet", table.drop_columns(["repaid"]))
        known = _known(table, DAYS - LABEL_DELAY)
        labels = [_labels(folder / f"outcomes-{first:02d}-{last:02d}.csv", known)] if known.num_rows else []
        bundle = folder / f"counts-{first:02d}-{last:02d}.json"
        _summarised(hub, owner, NORTH, [path], bundle, sharing="counts", labels=labels)
    train = files("service").joinpath("demo", "train.py").read_text(encoding="utf-8")
    (folder / "train.py").write_text(train, encoding="utf-8")


def _south(hub: Hub, owner: Viewer, sites: Path) -> None:
    folder = sites / SOUTH.site
    table = _stretch(SOUTH, 1, DAYS).drop_columns(["repaid", "customer"])
    path = _write(folder / "decisions.parquet", table)
    _summarised(hub, owner, SOUTH, [path], folder / "noisy-counts.json", sharing="noisy-counts")


def _kiosk(hub: Hub, owner: Viewer, sites: Path) -> None:
    """Its second burst arrives last: late rows go to the day they belong to."""
    folder = sites / KIOSK.site
    bursts = [(1, 20), (41, DAYS), (21, 40)]
    for first, last in bursts:
        table = _stretch(KIOSK, first, last).drop_columns(["repaid", "customer"])
        path = folder / f"burst-{first:02d}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        csv.write_csv(table, path)
        _ingest(hub, owner, KIOSK.site, path)


def _decide(hub: Hub) -> dict[str, Any]:
    """Anna takes the fairness alert of branch-north and asks for a retraining."""
    anna = Viewer("anna", (Grant("data"),))
    reads = hub.store.reads(anna)
    alert = next(
        alert
        for alert in reads.alerts(model=MODEL, site=NORTH.site)
        if alert["monitor"] == "fairness" and alert["about"] == "sex"
    )
    acknowledge_alert(hub, anna, id=alert["id"])
    why = "Women are granted loans at branch-north well below the policy limit, on every day of the last two months."
    return request_retraining(hub, anna, alert=alert["id"], site=NORTH.site, why=why)
