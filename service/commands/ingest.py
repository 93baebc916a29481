"""Commands that bring data in, or send counts out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors.options import pairs
from connectors.roles import TIMELESS
from service.bundles import take_bundle
from service.delivery import Delivery
from service.ingest import ingest_paths, nothing_recorded
from service.known import known_model, known_site, only_model, refuse_rows_unless_shared
from service.wiring import Hub
from store.access import Permission, Viewer, require
from store.canonical import sha256_hex
from store.errors import BadInput, BailiwickError, Refused
from store.receipt import Kind

LATER = (Kind.LINEAGE, Kind.COST)


def ingest(
    hub: Hub,
    viewer: Viewer,
    *,
    paths: Sequence[Path | str],
    site: str,
    model: str | None = None,
    version: str | None = None,
    kind: str = "predictions",
    format: str = "auto",
    options: Sequence[str] = (),
    keep_unknown: bool = False,
    grows: bool = True,
    key: str | None = None,
) -> dict[str, Any]:
    """Files, folders or bundles of one site: a receipt per batch, what was kept aside, and the errors of files that
    gave neither.

    options: of the source, each as `key=value`.
    keep_unknown: rows said to be of a model that nobody added are kept aside; else naming one is an error. Rows whose
    log names such a model or version by itself are kept aside either way.
    grows: whether a file that begins as one of its name did before is that file, grown.
    key: the name that the sender gave to this sending: what was sent under it before must be the same batch.
    """
    require(viewer, Permission.INGEST_WRITE, site=site)
    try:
        of_kind = Kind(kind)
    except ValueError:
        raise BadInput(f"kind {kind!r} is none of {', '.join(Kind)}", advice="Predictions are the default.") from None
    if of_kind in LATER:
        raise Refused(
            f"this version takes no {of_kind} yet",
            advice="Predictions, labels, references, attributions and summaries it takes.",
        )
    row = known_site(hub, viewer, site)
    refuse_rows_unless_shared(row, of_kind)
    if of_kind is Kind.SUMMARIES:
        receipts = [take_bundle(hub, viewer, _here(path), site=row) for path in paths]
        return {"schema": "bailiwick/receipts/1", "receipts": receipts, "aside": [], "errors": []}
    if of_kind in TIMELESS:
        # It sets what every site is held against: a change to the model, not a site's own affair.
        model = model or only_model(hub, viewer)
        require(viewer, Permission.MODEL_WRITE, model=model)
    if model is not None and (of_kind in TIMELESS or not keep_unknown):
        known_model(hub, viewer, model, version)
    delivery = Delivery(
        site=site,
        timezone=row["timezone"],
        clock_skew=timedelta(seconds=row["clock_skew_s"]),
        kind=of_kind,
        model=model,
        version=version,
        options=pairs(options),
        grows=grows,
        key_sha256=None if key is None else sha256_hex(key),
    )
    answers, errors = ingest_paths(hub, viewer, paths, delivery, format_name=format)
    if not answers:
        raise nothing_recorded(errors)
    return {
        "schema": "bailiwick/receipts/1",
        "receipts": [answer for answer in answers if "aside" not in answer],
        "aside": [answer for answer in answers if "aside" in answer],
        "errors": [_told(error) for error in errors],
    }


def _here(path: Path | str) -> Path:
    """A bundle's path; raises Refused for one in a store, which nothing is ever written to."""
    if isinstance(path, str) and "://" in path:
        raise Refused(
            f"{path}: summary bundles are taken from this machine", advice="Copy the bundle here, or send it over HTTP."
        )
    return Path(path)


def _told(error: BailiwickError) -> dict[str, Any]:
    told: dict[str, Any] = error.as_json()["error"]
    return told
