"""The site or the model that a caller names, as it stands now; UnknownName says what was probably meant."""

from __future__ import annotations

from typing import Any

from service.wiring import Hub
from store.access import Viewer
from store.errors import BadInput, NotPermitted, UnknownName, did_you_mean
from store.model_file import ModelFile
from store.receipt import Kind

_HOUSE = Viewer("house", ())
"""Names are looked up for whoever gives them; what they may do with what they mean is asked elsewhere."""


def known_site(hub: Hub, viewer: Viewer, name: str) -> dict[str, Any]:
    """The site as it stands, whoever asks; raises UnknownName."""
    row = hub.store.remembered(("site", name), lambda: _site(hub, viewer, name))
    if row is None:
        names = [r["site"] for r in hub.store.reads(viewer).sites()]
        raise UnknownName(
            f"no site called {name!r}",
            advice=f"{did_you_mean(name, names)} Add it with `bailiwick site add {name}`.".strip(),
            details={"site": name},
        )
    return row


def _site(hub: Hub, viewer: Viewer, name: str) -> dict[str, Any] | None:
    reads = hub.store.reads(viewer)
    return reads.one("SELECT * FROM site_at(?) WHERE site = ?", [reads.seq, name])


def newest_version(hub: Hub, name: str) -> str | None:
    """The newest version of a model, whoever asks."""
    return hub.store.remembered(("newest", name), lambda: hub.store.reads(_HOUSE).newest_version(name))


def model_file(hub: Hub, name: str, version: str) -> ModelFile | None:
    """The file of a model version as it stands, whoever asks."""
    return hub.store.remembered(("file", name, version), lambda: hub.store.reads(_HOUSE).model_file(name, version))


def known_model(hub: Hub, viewer: Viewer, name: str, version: str | None) -> ModelFile:
    """The model file of a version (None: the newest), as it stands; raises UnknownName."""
    wanted = version or newest_version(hub, name)
    file = model_file(hub, name, wanted) if wanted else None
    if file is None:
        reads = hub.store.reads(viewer)
        names = sorted({row["model"] for row in reads.models()})
        called = f"{name}:{version}" if version else name
        raise UnknownName(
            f"no model called {called!r}",
            advice=f"{did_you_mean(name, names)} Add it with `bailiwick model add FILE`.".strip(),
            details={"model": called},
        )
    return file


def only_model(hub: Hub, viewer: Viewer) -> str:
    """The model meant when none is named: the only one there is."""
    reads = hub.store.reads(viewer)
    only = [str(row["model"]) for row in reads.rows("SELECT DISTINCT model FROM model_at(?)", [reads.seq])]
    if len(only) != 1:
        known = ", ".join(sorted({row["model"] for row in reads.models()}))
        raise BadInput(
            "which model are these rows of?",
            advice=f"Name it with --model. Known: {known or 'none; add one with `bailiwick model add FILE`'}.",
        )
    return only[0]


def refuse_rows_unless_shared(site: dict[str, Any], kind: Kind) -> None:
    if kind in (Kind.PREDICTIONS, Kind.LABELS, Kind.ATTRIBUTIONS) and site["sharing"] != "rows":
        raise NotPermitted(
            f"site {site['site']} shares {site['sharing']}, not rows: nothing was stored",
            advice="Count beside the data with `bailiwick summarise`, and ingest the bundle with --kind summaries.",
            details={"site": site["site"], "sharing": site["sharing"], "kind": str(kind)},
        )
