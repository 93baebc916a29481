"""Builds the demo: a hub, four sites' data beside it, and everything that happened there, through the same commands.

Nothing is put into the hub by a back door: rows are ingested, counts are summarised at their site and sent, the
monitors judge, people decide. What is planted stands in `data.py`, and `story.md` tells it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from service.commands.alerts import acknowledge_alert
from service.commands.hubs import init_hub
from service.commands.models import add_model
from service.commands.monitoring import monitor
from service.commands.reports import build_report
from service.commands.retraining import request_retraining
from service.commands.users import set_user
from service.demo import sites as demo_sites
from service.demo.data import CLOCK, DAYS, FIRST_DAY, MODEL, NORTH
from service.wiring import HUB_FILE, Hub, local_viewer, open_hub
from store.access import Grant, Viewer
from store.errors import BadInput

ORGANISATION = "Harbour Credit"
PASSWORD = "only-for-the-demo"
USERS = (("anna", "data", "asks for a retraining"), ("ben", "compliance", "approves it, reads reports"))
WHY = "Women are granted loans at branch-north well below the policy limit, on every day of the last two months."
Progress = Callable[[str], None]


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
org = "{ORGANISATION}"
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
folder = "{(sites / NORTH.site).as_posix()}"
"""


def build(path: Path, *, progress: Progress) -> Built:
    """Makes the demo's hub in a folder that holds none yet; progress is told each step in words."""
    path = path.resolve()
    sites = demo_sites.folder_beside(path)
    demo_sites.clear(sites)
    progress("Making the hub, four sites and the model")
    init_hub(path, settings=settings(sites))
    hub, owner = open_hub(path), local_viewer()
    try:
        return _story(hub, owner, sites, progress=progress)
    except BaseException:
        hub.close()
        raise


def _story(hub: Hub, owner: Viewer, sites: Path, *, progress: Progress) -> Built:
    for name, role, _ in USERS:
        set_user(hub, owner, name=name, password=PASSWORD, grants=[Grant(role)])
    demo_sites.register(hub, owner)
    model = files("service").joinpath("demo", "loan-approval.yaml").read_text(encoding="utf-8")
    add_model(hub, owner, text=model, source="loan-approval.yaml")
    demo_sites.send_everything(hub, owner, sites, progress=progress)
    progress("Measuring sixty days at every site")
    monitor(hub, owner)
    progress("Anna reads the alerts and asks for a retraining")
    request = _decide(hub)
    progress("Writing the report")
    end = FIRST_DAY + timedelta(days=DAYS)
    report = build_report(hub, owner, pack="general", model=MODEL, start=FIRST_DAY, end=end, format="pdf")
    return Built(hub, report, request, sites)


def _decide(hub: Hub) -> dict[str, Any]:
    """Anna takes the fairness alert of branch-north and asks for a retraining."""
    anna = Viewer("anna", (Grant("data"),))
    alerts = hub.store.reads(anna).alerts(model=MODEL, site=NORTH.site)
    alert = next(alert for alert in alerts if (alert["monitor"], alert["about"]) == ("fairness", "sex"))
    acknowledge_alert(hub, anna, id=alert["id"])
    return request_retraining(hub, anna, alert=alert["id"], site=NORTH.site, why=WHY)


def find(path: Path) -> Built | None:
    """The demo that was built in this folder before; None where the folder holds no hub."""
    if not (path / HUB_FILE).exists():
        return None
    hub = open_hub(path)
    reads = hub.store.reads(local_viewer())
    reports = [row for row in reads.reports(model=MODEL) if row["format"] == "pdf"]
    requests = reads.requests(model=MODEL)
    ours = hub.config.org == ORGANISATION and hub.config.clock == CLOCK
    if not (ours and reports and requests):
        hub.close()
        told = "an unfinished demo" if ours else "a hub that the demo did not build"
        remove = f"remove {path}, for an earlier demo was interrupted" if ours else "leave this one alone"
        raise BadInput(f"{path} holds {told}", advice=f"Name another folder with --hub, or {remove}.")
    # Newest first: what visitors of the demo added comes before the story's own.
    report, request = reports[-1], next((row for row in requests if row["why"] == WHY), requests[-1])
    kept = hub.folder / "reports" / report["file"]
    return Built(hub, {**report, "path": str(kept)}, request, demo_sites.folder_beside(path.resolve()))
